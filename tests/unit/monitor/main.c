/* Runs the monitor's tests; see suites.h for what there is. */
#include "tests/unit/monitor/suites.h"

int main(void)
{
    SRunner *runner = srunner_create(NULL);
#define X(name) srunner_add_suite(runner, name##_suite());
    MONITOR_SUITES(X)
#undef X
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
