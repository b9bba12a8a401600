/* Runs the benchmark's tests; see suites.h for what there is. */
#include <stdlib.h>

#include "tests/unit/bench/suites.h"

int main(void)
{
    SRunner *runner = srunner_create(property_suite());
    srunner_add_suite(runner, workload_suite());
    srunner_add_suite(runner, generator_suite());
    srunner_add_suite(runner, keys_suite());
    srunner_add_suite(runner, zmtp_suite());
    srunner_add_suite(runner, result_suite());
    srunner_add_suite(runner, pipe_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
