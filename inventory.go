package throng

import "time"

// Class is a retention class: a kind of data that is kept for the same time.
type Class string

// The retention classes that have a limit (method section 5).
const (
	ClassOptedOut    Class = "opted_out"    // events of those who opted out
	ClassStandard    Class = "standard"     // all other events
	ClassOpenUnits   Class = "open_units"   // unit tokens of days that are not closed
	ClassFoldedUnits Class = "folded_units" // unit tokens of what closed days have folded, until their span is closed
	ClassEventsTopic Class = "events_topic" // blocks in the broker
	ClassRawTopic    Class = "raw_topic"    // raw lines in a topic that other shippers fill
	ClassQuarantine  Class = "quarantine"   // where refused lines stood, and why
	ClassServerLogs  Class = "server_logs"  // the web server's own files
)

// The retention classes whose items carry their own end, in Item.Expires.
const (
	ClassHeld      Class = "held"      // rows that were copied under a hold
	ClassKeys      Class = "keys"      // epoch keys, and copies of them
	ClassTemporary Class = "temporary" // unfinished files
)

// The classes that are kept.
const (
	ClassReleases Class = "releases" // what was published
	ClassLedger   Class = "ledger"   // the ledger and the receipts
	ClassState    Class = "state"    // what the program needs to go on, such as checkpoints; nothing of a visit
)

// ItemKind is the form in which a store keeps something.
type ItemKind string

// The kinds of items.
const (
	KindPartition    ItemKind = "partition"     // of a table, with its parts in use and those that a merge replaced
	KindInactive     ItemKind = "inactive_part" // parts that are no longer in use and still on disk
	KindDetached     ItemKind = "detached_part"
	KindShadow       ItemKind = "shadow" // a frozen copy of a table
	KindBackup       ItemKind = "backup"
	KindMutation     ItemKind = "mutation" // the text of a mutation
	KindSystemLog    ItemKind = "system_log"
	KindDroppedTable ItemKind = "dropped_table" // a dropped table whose data is still on disk
	KindTable        ItemKind = "table"         // a table as a whole
	KindTopic        ItemKind = "topic"
	KindSegment      ItemKind = "segment" // of a topic, as files
	KindCheckpoint   ItemKind = "checkpoint"
	KindQuarantine   ItemKind = "quarantine_file"
	KindKeys         ItemKind = "keys"
	KindExportedKeys ItemKind = "exported_keys"
	KindTemporary    ItemKind = "temporary_file"
	KindServerLog    ItemKind = "server_log"
	KindFile         ItemKind = "file"
)

// Removal is how an item is deleted.
type Removal string

// The ways to delete.
const (
	// NotRemoved: Throng does not delete such an item. Verification reports it all the same.
	NotRemoved Removal = ""

	DropPartition Removal = "drop_partition"
	DropDetached  Removal = "drop_detached_part"
	DropTable     Removal = "drop_table"
	DeleteTopic   Removal = "delete_topic"
	RemoveFile    Removal = "remove_file"    // a file or a directory
	OverwriteFile Removal = "overwrite_file" // with zeros, then remove
	AdvanceKeys   Removal = "advance_keys"   // overwrite with the keys that are in force
	// StoreExpiry: the store's own settings delete records by age, see Item.Keeps.
	StoreExpiry Removal = "store_expiry"
)

// Item is one thing that retention keeps or deletes whole, such as a partition of a table, a topic or a
// file.
type Item struct {
	// Store is where it is: "clickhouse", "broker", "keys", "files" or "server_logs".
	Store string `json:"store"`
	// Class is empty for what the store knows nothing of.
	Class Class    `json:"class"`
	Kind  ItemKind `json:"kind,omitempty"`
	// Name is what the store calls it: TABLE/PARTITION, a topic, or a path.
	Name string `json:"name"`
	// Day is the event day of all that is in it, or the day of its oldest record; of class held, the day on
	// which its hold was ordered.
	Day Day `json:"day"`
	// Hold is the number of the hold that keeps an item of class held; 0 for all other classes.
	Hold uint32 `json:"hold,omitempty"`
	// Rows and Bytes are what the store says of it; Rows is 0 where the store does not count.
	Rows  uint64 `json:"rows"`
	Bytes uint64 `json:"bytes"`
	// Oldest and Newest are the times of its oldest and newest record, as the store tells them by
	// reading; zero is unknown.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	// Expires is the end that the item has by itself, such as a hold's or a key's; zero for none. Where
	// its class has a limit as well, the earlier end counts.
	Expires time.Time `json:"expires,omitzero"`
	// Removal is how it is deleted.
	Removal Removal `json:"removal,omitempty"`
	// Keeps is, for StoreExpiry, the greatest age to which the store's settings can let a record grow.
	Keeps time.Duration `json:"keeps,omitempty"`
	// Note is for people: what the store says of it, never of what is in it.
	Note string `json:"note,omitempty"`
}
