/*
 * The scripts as they are built in (store/script.h).
 */
#include "scripts.h"
#include "store/script.h"

#define SCRIPT(name)                                    \
	{                                               \
#name, script_##name, script_sha_##name \
	}

/* clang-format off */
static const struct {
	const char *name, *text, *sha;
} scripts[] = {
	[STORE_SCRIPT_DECISION] = SCRIPT(decision),
	[STORE_SCRIPT_SECRET] = SCRIPT(secret),
	[STORE_SCRIPT_SPF_KEEP] = SCRIPT(spf_keep),
	[STORE_SCRIPT_SPF_LOOK] = SCRIPT(spf_look),
	[STORE_SCRIPT_LIMIT] = SCRIPT(limit),
	[STORE_SCRIPT_OVERRIDE] = SCRIPT(override),
	[STORE_SCRIPT_CONTACT] = SCRIPT(contact),
	[STORE_SCRIPT_PROVIDER] = SCRIPT(provider),
	[STORE_SCRIPT_DEAD] = SCRIPT(dead),
	[STORE_SCRIPT_DEAD_OF] = SCRIPT(dead_of),
	[STORE_SCRIPT_WAVE] = SCRIPT(wave),
	[STORE_SCRIPT_WEATHER] = SCRIPT(weather),
	[STORE_SCRIPT_BUDGET] = SCRIPT(budget),
	[STORE_SCRIPT_COMPLAINT] = SCRIPT(complaint),
};
/* clang-format on */

_Static_assert(sizeof(scripts) / sizeof(*scripts) == SCRIPTS_BUILT_IN && SCRIPTS_BUILT_IN == STORE_SCRIPTS,
	       "enum store_script and redis/*.lua go together");

const char *script_name(enum store_script script)
{
	return scripts[script].name;
}

const char *script_text(enum store_script script)
{
	return scripts[script].text;
}

const char *script_sha(enum store_script script)
{
	return scripts[script].sha;
}
