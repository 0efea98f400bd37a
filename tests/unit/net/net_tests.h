/* The test groups of this folder; each returns the number of failures. */
#ifndef TESTS_UNIT_NET_TESTS_H
#define TESTS_UNIT_NET_TESTS_H

int register_tests(void);
int remote_tests(void);
int receive_tests(void);
int transmit_tests(void);
int peer_tests(void);
int user_tests(void);
int storm_tests(void);

#endif
