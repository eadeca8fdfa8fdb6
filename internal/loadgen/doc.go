// Package loadgen makes access logs with known truth: lines such as a web server writes (combined
// format plus the two opt-out signal fields), from a readership table or a model of one, together
// with the exact counts that a correct reader of those lines arrives at.
//
// A [Log] stores no lines and no devices. Line i is a function of (options, seed, i): a keyed
// permutation sends i to a visit, the visit to its page and to one of the page's devices, and the
// device's number to its address, browser and signals. So memory does not grow with the number of
// lines, any section of a log can be made on its own, and the truth is counted without reading a line.
//
// Guaranteed: equal options give equal bytes; lines are in time order; no two devices share both their
// address (IPv6: its /64) and their operating-system family, so that they stay apart under every
// generalization of user agents that keeps the family; the truth is exact.
//
// Not modelled: sessions (the lines of one device are spread over the whole time, which is the worst
// case for caches), shared addresses of more than two devices, visitors who change network or
// browser. The randomness is fit for tests only.
package loadgen
