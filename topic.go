package throng

import "strings"

const eventsTopicPrefix = "events-"

// MaxBlockBytes is the largest block that travels: the topic's max.message.bytes and the size that
// writers and readers are set to.
const MaxBlockBytes = 16 << 20

// EventsTopic is the name of the topic that carries the events of day d, such as events-2026-11-22.
// Topics are dated so that retention deletes them whole.
func EventsTopic(d Day) string { return eventsTopicPrefix + d.String() }

// ParseEventsTopic is the inverse of [EventsTopic]; ok is false for every other topic.
func ParseEventsTopic(name string) (d Day, ok bool) {
	s, ok := strings.CutPrefix(name, eventsTopicPrefix)
	if !ok {
		return 0, false
	}
	d, err := ParseDay(s)
	return d, err == nil
}

// Message is one message of a topic. Value belongs to the receiver.
type Message struct {
	Topic     string
	Partition int
	Offset    int64
	Value     []byte
}
