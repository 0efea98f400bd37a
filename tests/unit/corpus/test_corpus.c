/* All groups, one after the other. */
#include "corpus_tests.h"

int main(void)
{
    return test_list() + test_results() + test_summary() + test_pool();
}
