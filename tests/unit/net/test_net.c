/* The network card by its data sheet, the peers at the other end, and random use of both. */
#include "net_tests.h"

int main(void)
{
    return register_tests() + remote_tests() + receive_tests() + transmit_tests() + peer_tests() +
               user_tests() + storm_tests() !=
           0;
}
