// Package aggregate closes a day: it waits until all of the day's events are in the store, bounds
// what each device contributes, builds the partition, reserves the budget, draws and writes each
// site's release once, and then drops the day's unit tokens.
//
// It guarantees that
//   - a device counts in at most L0 leaf keys of a site's day, with at most Linf visits in each
//     published cell, groups included, before any noise is added (method section 4);
//   - published rows are disjoint, each has passed its own gate, and the devices of a group are the
//     union of those of its members, recounted, never a sum (section 5);
//   - budget is reserved durably before the first draw, and what was written is never drawn again:
//     after a crash at any point the same release is finished, or drawn again under the same
//     reservation when nobody can have seen it (section 6);
//   - neither its errors nor its logs tell a count, a key, or how many rows were suppressed.
//
// It does not decide what a visit or a path is; package anonymize did, before the event was stored.
// Spans, months, other tables than that of paths and the column of opted-out visits are not made
// here yet; their share of the budget stays reserved.
package aggregate
