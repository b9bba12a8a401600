/* The tests of the client's core alone, without sockets and programs: what mutants of it must not
 * survive. */
#include "tests/unit/client/world.h"

#include <stdlib.h>

int main(void)
{
    Suite *suite = suite_create("client core");
    suite_add_tcase(suite, core_calls_case());
    suite_add_tcase(suite, core_retry_case());
    suite_add_tcase(suite, core_route_case());
    suite_add_tcase(suite, core_scan_case());
    suite_add_tcase(suite, core_random_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
