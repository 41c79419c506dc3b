/*
 * `leumund completion`: how bash completes our command line, made of the tables of commands.h.
 */
#include <string.h>

#include "commands.h"

static const char begin[] = "# How bash completes leumund; made by `leumund completion`.\n"
			    "_leumund()\n"
			    "{\n"
			    "	local word=${COMP_WORDS[COMP_CWORD]} command='' options words='' files='' i\n"
			    "	for ((i = 1; i < COMP_CWORD; i++)); do\n"
			    "		case ${COMP_WORDS[i]} in\n"
			    "		$valued) ((++i)) ;;\n"
			    "		-*) ;;\n"
			    "		*) command=${COMP_WORDS[i]}; break ;;\n"
			    "		esac\n"
			    "	done\n"
			    "	COMPREPLY=()\n";

static const char end[] = "	if [[ $word == -* ]]; then\n"
			  "		mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
			  "	elif [[ $files ]]; then\n"
			  "		compopt -o filenames 2>/dev/null\n"
			  "		mapfile -t COMPREPLY < <(compgen \"$files\" -- \"$word\")\n"
			  "	else\n"
			  "		mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
			  "	fi\n"
			  "}\n"
			  "complete -F _leumund leumund\n";

static bool is_one_of(const char *from, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && !memcmp(from, *words, len))
			return true;
	return false;
}

/* ---- options ----------------------------------------------------------------------------------- */

/* "-c --config ...": those that a command knows; with `valued` as a pattern, of those that have a value. */
static void options_print(unsigned takes, bool valued, const char *separator)
{
	const char *before = "";

	for (const struct command_option *option = command_options; option->name; option++) {
		if ((option->takes & ~takes) || (valued && !option->takes_value))
			continue;
		if (option->letter) {
			printf("%s-%c", before, option->letter);
			before = separator;
		}
		printf("%s--%s", before, option->name);
		before = separator;
	}
}

/* ---- words ------------------------------------------------------------------------------------- */

static void commands_print(void)
{
	const char *before = "";

	for (const struct command *command = commands; command->name; command++)
		if (command->summary) {
			printf("%s%s", before, command->name);
			before = " ";
		}
}

static bool takes_value(const char *from, size_t len)
{
	for (const struct command_option *option = command_options; option->name; option++)
		if (option->takes_value && len == strlen(option->name) + 2 && !memcmp(from + 2, option->name, len - 2))
			return true;
	return false;
}

/* One word of a command's arguments, such as "postfix|sendmail|exim": words themselves, or what stands for them. */
static void words_print(const char *from, size_t len, const char **files, const char **before)
{
	static const char *const directories[] = { "RUN", "CONF.D", NULL }, *const any[] = { "FILE", NULL };

	for (const char *stop = from + len; from < stop; from += len + 1) {
		const char *bar = memchr(from, '|', (size_t)(stop - from));

		len = (size_t)((bar ? bar : stop) - from);
		if (is_one_of(from, len, directories))
			*files = "-d";
		else if (is_one_of(from, len, any))
			*files = "-f";
		else if (is_one_of(from, len, (const char *const[]){ "COMMAND", NULL }))
			commands_print();
		else if (len > 0 && strspn(from, "abcdefghijklmnopqrstuvwxyz") >= len) {
			printf("%s%.*s", *before, (int)len, from);
			*before = " ";
		}
	}
}

/* Returns what compgen shall look for; NULL: nothing. */
static const char *arguments_print(const char *arguments)
{
	const char *files = NULL, *before = "";
	bool is_value = false;
	size_t len;

	for (const char *at = arguments; at += strspn(at, " []"), (len = strcspn(at, " []")) > 0; at += len) {
		const bool is_option = *at == '-' && len > 1;

		if (!is_option && !is_value)
			words_print(at, len, &files, &before);
		is_value = is_option && takes_value(at, len);
	}
	return files;
}

static void command_print(const struct command *command)
{
	printf("	%s)\n		options='", command->name);
	options_print(command->takes, false, " ");
	fputs("'\n		words='", stdout);
	const char *files = arguments_print(command->arguments);
	fputs("'\n", stdout);
	if (files)
		printf("		files=%s\n", files);
	fputs("		;;\n", stdout);
}

int command_completion(const struct call *call)
{
	(void)call;
	for (const char *at = begin, *name; *at; at = name + strlen("$valued")) {
		name = strstr(at, "$valued");
		printf("%.*s", name ? (int)(name - at) : -1, at);
		if (!name)
			break;
		options_print(~0U, true, "|");
	}
	fputs("	case ${COMP_WORDS[COMP_CWORD - 1]} in\n	-c|--config|-r|--run) command=-d ;;\n	", stdout);
	options_print(~(unsigned)(TAKES_CONF | TAKES_RUN), true, "|");
	fputs(") return ;;\n	esac\n	case $command in\n	-d) files=-d ;;\n	'')\n		options='",
	      stdout);
	options_print(TAKES_CONF | TAKES_RUN, false, " ");
	fputs("'\n		words='", stdout);
	commands_print();
	fputs("'\n		;;\n", stdout);
	for (const struct command *command = commands; command->name; command++)
		if (command->summary)
			command_print(command);
	fputs("	esac\n", stdout);
	fputs(end, stdout);
	return EX_OK;
}
