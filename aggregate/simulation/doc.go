// Package simulation closes made-up days through the real closer: bounding, partition, ledger, noise
// and files are those that run; only the store and the broker are in memory, and the clock is set by
// hand. It is what the attackers' tests and the measurement of utility stand on.
//
// It publishes nothing: the directory that it is given holds numbers of devices that do not exist.
package simulation
