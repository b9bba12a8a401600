#include <stdlib.h>

#include "tests/unit/actors/suites.h"

int main(void)
{
    SRunner *runner = srunner_create(histogram_suite());
    srunner_add_suite(runner, store_suite());
    srunner_add_suite(runner, store_cut_suite());
    srunner_add_suite(runner, base_suite());
    srunner_add_suite(runner, base_damage_suite());
    srunner_add_suite(runner, frames_suite());
    srunner_add_suite(runner, socket_suite());
    srunner_add_suite(runner, notify_suite());
    srunner_add_suite(runner, actor_suite());
    srunner_add_suite(runner, runtime_suite());
    srunner_add_suite(runner, replica_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
