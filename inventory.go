package throng

import "time"

// Class is a retention class: a kind of data that is kept for the same time.
type Class string

// The retention classes (method section 5).
const (
	ClassOptedOut    Class = "opted_out"    // events of those who opted out
	ClassStandard    Class = "standard"     // all other events
	ClassOpenUnits   Class = "open_units"   // unit tokens of days that are not closed
	ClassFoldedUnits Class = "folded_units" // unit tokens of what closed days have folded, until their span is closed
	ClassEventsTopic Class = "events_topic" // blocks in the broker
	ClassHeld        Class = "held"         // copies of events that a hold keeps
)

// Item is one thing that retention keeps or deletes whole: a partition of a table, or a topic.
type Item struct {
	// Store is where it is: "clickhouse" or "broker".
	Store string `json:"store"`
	Class Class  `json:"class"`
	// Name is what the store calls it: TABLE/PARTITION, or a topic.
	Name string `json:"name"`
	// Day is the event day of all that is in it; of class held, the day on which its hold was ordered.
	Day Day `json:"day"`
	// Hold is the number of the hold that keeps an item of class held; 0 for all other classes.
	Hold uint32 `json:"hold,omitempty"`
	// Expires is the end that the item has by itself, such as a hold's; zero for none. Where its class has
	// a limit as well, the earlier end counts.
	Expires time.Time `json:"expires,omitzero"`
	// Rows and Bytes are what the store says of it; Rows is 0 where the store does not count.
	Rows  uint64 `json:"rows"`
	Bytes uint64 `json:"bytes"`
	// Oldest is the time of its oldest record, as the store tells it by reading; zero is unknown.
	Oldest time.Time `json:"oldest,omitzero"`
}
