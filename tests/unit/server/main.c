#include "tests/unit/server/suites.h"

int main(void)
{
    SRunner *runner = srunner_create(kv_tree_suite());
    srunner_add_suite(runner, kv_store_suite());
    srunner_add_suite(runner, kv_machine_suite());
    srunner_add_suite(runner, kv_checkpoint_suite());
    srunner_add_suite(runner, kv_threads_suite());
    srunner_add_suite(runner, courier_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
