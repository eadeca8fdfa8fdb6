// Package peers holds throng parse and throng anonymize to the test suites of other readers of access logs, of
// anonymizers of addresses, of readers of referrers and of collections of user agents.
//
// The suites are fetched from package registries (scripts/peers.sh); nothing of them is in this repository. What a
// peer's test expects is turned into what the NDJSON of a command should have. An expectation that the NDJSON has
// no field for is counted as not applicable. What comes out otherwise is either a defect, and the test fails, or a
// difference on purpose, and then the suite's table says why; an entry of a table that fits nothing any more, or
// another number of cases, fails too. docs/peers.md has the figures, and the tests hold it to them.
//
// It is no proof that Throng reads everything that a peer does: a suite is what its author thought of.
//
// The tests are skipped without THRONG_TEST_PEERS, the folder that the suites are in; .ci/peers sets it.
package peers
