/* Runs the checker's tests; see suites.h for what there is. */
#include <stdlib.h>

#include "tests/unit/check/suites.h"

int main(void)
{
    SRunner *runner = srunner_create(verdict_suite());
    srunner_add_suite(runner, scan_suite());
    srunner_add_suite(runner, random_suite());
    srunner_add_suite(runner, memo_suite());
    srunner_add_suite(runner, file_suite());
    srunner_add_suite(runner, explain_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
