package throng

import (
	"encoding/json"
	"net/netip"
	"time"
)

// eventJSON is the form in which an event is shown. The unit token and the cell have no place in it.
type eventJSON struct {
	Time        time.Time     `json:"time"`
	Site        string        `json:"site"`
	Path        string        `json:"path"`
	Method      string        `json:"method"`
	Status      uint16        `json:"status"`
	Bytes       uint64        `json:"bytes"`
	Referrer    string        `json:"referrer,omitempty"`
	Client      string        `json:"client"`
	ClientMajor uint16        `json:"client_major,omitempty"`
	OS          string        `json:"os"`
	Country     string        `json:"country,omitempty"`
	Network     *netip.Prefix `json:"network,omitempty"`
	Bot         string        `json:"bot,omitempty"`
	OptedOut    bool          `json:"opted_out"`
	Signal      string        `json:"signal,omitempty"`
	Visit       bool          `json:"visit"`
}

// MarshalJSON writes the event without its unit token. Fields without a value are left out.
func (e Event) MarshalJSON() ([]byte, error) {
	out := eventJSON{
		Time: time.Unix(e.Time, 0).UTC(), Site: e.Site, Path: e.Path, Method: e.Method.String(), Status: e.Status, Bytes: e.Bytes,
		Referrer: e.Referrer, Client: e.Client.String(), ClientMajor: e.ClientMajor, OS: e.OS.String(), Country: e.Country.String(),
		Bot: e.Bot.String(), OptedOut: e.OptedOut, Signal: e.Signal.String(), Visit: e.Visit,
	}
	if e.Network.IsValid() {
		out.Network = &e.Network
	}
	return json.Marshal(out)
}
