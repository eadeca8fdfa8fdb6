package throng

// Client is a browser family of a closed vocabulary; all that is not in it is [OtherClient], and so are
// bots, but for feed readers. The vocabulary is small on purpose: a rare family would help to tell one
// device from another. See docs/user-agents.md.
type Client uint8

// The browser families.
const (
	OtherClient Client = iota
	Chrome
	ChromeMobile
	Safari
	MobileSafari
	Firefox
	FirefoxMobile
	Edge
	Opera
	OperaMini
	SamsungInternet
	UCBrowser
	AndroidBrowser
	InternetExplorer
	Yandex
	Vivaldi
	Whale
	MIUI
	QQBrowser
	Silk
	WebView // a page inside another app (Facebook, Instagram, a mail program …)
	FeedReader
	clients
)

var clientNames = [clients]string{
	"Other", "Chrome", "Chrome Mobile", "Safari", "Mobile Safari", "Firefox", "Firefox Mobile", "Edge", "Opera",
	"Opera Mini", "Samsung Internet", "UC Browser", "Android Browser", "Internet Explorer", "Yandex", "Vivaldi",
	"Whale", "MIUI Browser", "QQ Browser", "Silk", "WebView", "Feed Reader",
}

// String is the family's name.
func (c Client) String() string { return name(clientNames[:], c) }

// ClientNames are the names of all families, indexed by [Client].
func ClientNames() []string { return clientNames[:] }

// OS is an operating-system family of a closed vocabulary, without version.
type OS uint8

// The operating-system families.
const (
	OtherOS OS = iota
	Windows
	MacOS
	Linux
	Android
	IOS
	ChromeOS
	oses
)

var osNames = [oses]string{"Other", "Windows", "macOS", "Linux", "Android", "iOS", "ChromeOS"}

// String is the family's name.
func (o OS) String() string { return name(osNames[:], o) }

// OSNames are the names of all families, indexed by [OS].
func OSNames() []string { return osNames[:] }
