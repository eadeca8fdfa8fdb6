package throng

import (
	"fmt"
	"time"
)

// MethodVersionFormat names the form of the files that keep earlier methods.
const MethodVersionFormat = "throng/method-version/1"

// MethodStatement states what releases are made with now. Older ones carry their own parameters.
type MethodStatement struct {
	Format     string     `json:"format"`  // always [MethodFormat]
	Program    string     `json:"program"` // the version that runs
	Tree       int        `json:"tree"`
	Parameters Parameters `json:"parameters"`
	// Sites are the parameters of the path tables of sites that have others, by site.
	Sites []SiteParameters `json:"sites,omitempty"`
	// Composition is what all releases of a time may reveal together of one device, by time.
	Composition []Composition `json:"composition"`
	// Everyone and OptedOut say how coarse records are made at first touch.
	Everyone GeneralizationStatement `json:"everyone"`
	OptedOut GeneralizationStatement `json:"opted_out"`
	Unit     UnitStatement           `json:"unit"`
	// Lateness is the time after its end at which a day is closed at the latest, such as 36h0m0s.
	Lateness string `json:"lateness"`
	// Retention is the longest age of an event by class.
	Retention map[Class]string `json:"retention"`
	// Assets are the path suffixes whose requests are no page views.
	Assets []string       `json:"assets"`
	Logs   []LogStatement `json:"logs"`
}

// GeneralizationStatement says how coarse a record is made.
type GeneralizationStatement struct {
	IPv4Bits  int    `json:"ipv4_bits"`
	IPv6Bits  int    `json:"ipv6_bits"`
	Time      string `json:"time"`       // the step to which times are cut
	MajorStep int    `json:"major_step"` // browser versions are rounded down to its multiples
}

// UnitStatement says what one device is.
type UnitStatement struct {
	// IPv6Bits is the length of the IPv6 prefix that counts as one address.
	IPv6Bits int `json:"ipv6_bits"`
	// PerNetwork is the largest number of devices of one network, site and day that help a cell reach k;
	// the others say what a network is.
	PerNetwork      int `json:"per_network"`
	NetworkIPv4Bits int `json:"network_ipv4_bits"`
	NetworkIPv6Bits int `json:"network_ipv6_bits"`
}

// LogStatement says what is known of a site's log.
type LogStatement struct {
	Site  string   `json:"site"`
	Hosts []string `json:"hosts"`
	// Signals says that its log has the fields DNT and Sec-GPC.
	Signals bool `json:"signals"`
	// Listed is the length of its public route list.
	Listed int `json:"listed"`
}

// MethodVersion is a method with the time from which it was in force. Each is a file of its own, written
// once; each names its predecessor by hash, so that none can be changed or left out unnoticed.
type MethodVersion struct {
	Format string    `json:"format"` // always [MethodVersionFormat]
	Number int       `json:"number"` // from 1
	Since  time.Time `json:"since"`
	// Prev is the SHA-256 of the file of the version before, in hexadecimal; "" in the first.
	Prev   string          `json:"prev"`
	Method MethodStatement `json:"method"`
}

// Path is the name of the version's file under the base of all that is published.
func (v MethodVersion) Path() string {
	return fmt.Sprintf("%s/%06d.json", MethodVersionsName, v.Number)
}
