package throng

import (
	"net/netip"
)

// Event is one request after anonymization: everything that may leave the raw zone, and nothing
// else. Fields are copied in by name; what has no field here is dropped.
//
// The ingest path reuses one Event per worker. Its strings are stable: they belong to the
// anonymizer's bounded caches and may be kept until its epoch ends.
type Event struct {
	// Time is in seconds since the Unix epoch; whole minutes for those who opted out.
	Time int64
	// Site is the configured id of the site that was asked.
	Site string
	// Path is the generalized path, at most [MaxPathBytes] bytes: a route, a path with placeholders,
	// or prefix/*other* for those who opted out.
	Path     string
	Method   Method
	Status   uint16
	Bytes    uint64
	Referrer string // registrable domain, or the name of a search engine or network; "" is none
	Client   Client
	// ClientMajor is the browser's major version, of a closed range for each family; 0 is unknown.
	// Rounded down to a multiple of 10 for those who opted out.
	ClientMajor uint16
	OS          OS
	Country     Country
	// Network is the address bucket: /24 or /48, and /19 or /32 for those who opted out.
	Network  netip.Prefix
	Bot      Bot
	OptedOut bool
	Signal   Signal
	// Visit says that the event counts as a page view: GET, status 200–299 or 304, no bot, no asset.
	Visit bool
	// Unit is the token of the privacy unit (method section 3). It exists only until its period is
	// closed and is never shown.
	Unit UnitToken
	// Cell identifies (site, path) under the epoch key.
	Cell CellID
}

// MaxPathBytes is the longest generalized path. Longer ones become prefix/*other*.
const MaxPathBytes = 512

// UnitToken stands for a device as a log sees it: SipHash-2-4 of (address, generalized user agent,
// site) under an epoch key. Tokens are personal data as long as the key exists.
type UnitToken uint64

// CellID is a keyed 64-bit hash of (site, table, key), so that no visitor can make two keys collide.
type CellID uint64

// Country is an ISO 3166-1 alpha-2 code; the zero value is unknown.
type Country [2]byte

// String is "" for an unknown country.
func (c Country) String() string {
	if c == (Country{}) {
		return ""
	}
	return string(c[:])
}

// Signal is the class of the opt-out signal that an event carried, and nothing more about it.
type Signal uint8

// The classes of opt-out signal (method section 1).
const (
	NoSignal     Signal = iota
	DNT                 // DNT: 1 (W3C Tracking Preference Expression)
	GPC                 // Sec-GPC: 1 (W3C Global Privacy Control)
	DNTAndGPC           // both header fields
	OptOutByName        // on the opt-out list
	signals
)

var signalNames = [signals]string{"", "dnt", "gpc", "dnt+gpc", "list"}

// String is "" for no signal.
func (s Signal) String() string { return name(signalNames[:], s) }

// SignalNames are the names of all signals, indexed by [Signal].
func SignalNames() []string { return signalNames[:] }

// Bot is the class of an automated client by its own words; bots are counted apart.
type Bot uint8

// The classes of bot.
const (
	Human      Bot = iota
	Crawler        // a declared crawler
	Tool           // a library or command-line tool
	Automation     // a driven browser, monitor or link preview
	bots
)

var botNames = [bots]string{"", "crawler", "tool", "automation"}

// String is "" for a human.
func (b Bot) String() string { return name(botNames[:], b) }

// BotNames are the names of all classes of bot, indexed by [Bot].
func BotNames() []string { return botNames[:] }

// Method is an HTTP request method of a closed list; all others are [OtherMethod].
type Method uint8

// The methods that are told apart.
const (
	OtherMethod Method = iota
	GET
	HEAD
	POST
	PUT
	DELETE
	OPTIONS
	PATCH
	CONNECT
	TRACE
	methods
)

var methodNames = [methods]string{"OTHER", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"}

// String is the method's name, or OTHER.
func (m Method) String() string { return name(methodNames[:], m) }

// MethodNames are the names of all methods, indexed by [Method].
func MethodNames() []string { return methodNames[:] }

func name[E ~uint8](names []string, e E) string {
	if int(e) < len(names) {
		return names[e]
	}
	return "invalid"
}
