// Package hold keeps copies of a few events past their time, for the exceptions of EFF's Do Not Track policy:
// security, fraud, debugging, a transaction, consent (method section 9).
//
// A hold is ordered with a reason, a narrow match, a ticket, the name of who ordered it, a day of review and a
// last day. Nothing is kept in place: matching events are copied into a table of their own, without what tells
// who opted out, and the originals go when their class says so.
//
// Guaranteed: an order is in the register, durably, before anything is copied. A match names a site, at most a
// day and at least one more field; one that takes more than [MaxRows] events is refused. No hold, with all its
// extensions, lasts longer than [throng.MaxHold] days. The register is hash-chained and holds no match, only
// a salted hash of it; the match and the salt lie beside the copies and go with them. What is published
// (see [List.Summary]) are the number of orders and their reasons.
//
// Not guaranteed: that copies exist for an order in the register, since a process can die between the two;
// that several holds together are narrow; and that entries at the register's end were not cut off, for which
// the published head is there. Deleting is package retention's part: it deletes copies on their last day and
// those of holds that are not in force.
package hold
