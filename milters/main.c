/*
 * leumundd: serves the milters of one service.
 * Everything is done by the skeleton (common/service/service.h) and the table (table.c).
 */
#include "milters/table.h"
#include "service/service.h"

int main(int argc, char **argv)
{
	return service_main(argc, argv, milters);
}
