// Package retention keeps every store inside its time limits: it lists what there is, plans what has
// to go, deletes it, looks again whether it is gone, and leaves receipts.
//
// The unit of deletion is a [throng.Item], which a store keeps or drops whole: a partition of a table,
// a dated topic. All that an item holds happened on the item's day, so an item is as old as the first
// instant of its day, and deleting it in time deletes each of its records in time.
//
// Guaranteed, while [Keeper.Run] runs and the stores answer: an item is gone before the deadline that
// its class and day give it. A deletion is on record before it is tried, and its receipt is written
// only after the store's own inventory no longer showed it, also when the process was killed in
// between. [Keeper.Verify] does not trust any of that: it asks each store anew.
//
// Not guaranteed: that a store which says that it has dropped something has wiped the device; and
// what no [Store] tells of is not kept in limits here.
package retention
