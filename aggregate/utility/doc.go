// Package utility measures how much a reader gets out of what is published: it closes days of made-up
// devices with known truth through the real mechanism and compares every published number with the
// truth, bounded and raw.
//
// Two truths are told apart. The bounded truth is what the bounds on a device's contribution leave: the
// noise is scaled for it and intervals are for it. The raw truth is what the log holds: how far the
// bounded truth is below it is the bias from clipping, which no interval shows.
//
// Devices are cut to L0 leaves before they reach the closer, by a hash of their own, so that its own
// choice finds nothing left to cut: that choice's key is erased with the release, and the bounded truth
// could not be known otherwise.
package utility
