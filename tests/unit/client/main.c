/* Tests of client/: the pure core against a made-up service, the line protocol, and the library and
 * the program over real sockets. */
#include "tests/unit/client/world.h"

#include <stdlib.h>

int main(void)
{
    Suite *suite = suite_create("client");
    suite_add_tcase(suite, core_calls_case());
    suite_add_tcase(suite, core_retry_case());
    suite_add_tcase(suite, core_route_case());
    suite_add_tcase(suite, core_scan_case());
    suite_add_tcase(suite, core_random_case());
    suite_add_tcase(suite, line_case());
    suite_add_tcase(suite, show_case());
    suite_add_tcase(suite, library_case());
    suite_add_tcase(suite, program_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
