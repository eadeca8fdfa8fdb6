package config

// This file is the reference: the comments, tags and types of these structs are what `config schema`,
// docs/configuration.md and the range checks are made from. Tags: yaml names the key; default, min
// and max are in the key's own unit; enum lists the allowed words; required refuses an empty value.

// Config is everything that can be configured. Relative paths start at the working directory.
type Config struct {
	// Dir is the state directory: locks, keys, checkpoints, embedded stores, releases, ledger and receipts. It is created with mode 0700.
	Dir string `yaml:"dir" default:"/var/lib/throng" required:"true"`
	// Sites are the sites whose readership is published.
	Sites []Site `yaml:"sites" required:"true"`
	// Sources are the logs that `ship` reads.
	Sources []Source `yaml:"sources"`
	// OptOut is the list of people who opted out by name.
	OptOut OptOut `yaml:"optout"`
	// Country is where the country of an address is looked up.
	Country Country `yaml:"country"`
	// Broker carries blocks of events from `ship` to `load`.
	Broker Broker `yaml:"broker"`
	// Store holds the events until they are deleted.
	Store Store `yaml:"store"`
	// Privacy holds the parameters of the method. Each can only be made stricter than its default.
	Privacy Privacy `yaml:"privacy"`
	// Release says when a day is closed and published.
	Release Release `yaml:"release"`
	// Retention says how long each class of data is kept, counted from the event.
	Retention Retention `yaml:"retention"`
	// Listen holds the addresses that are served.
	Listen Listen `yaml:"listen"`
	// WellKnown is what the public listener tells browsers about visitors' signals (docs/well-known.md).
	WellKnown WellKnown `yaml:"well_known"`
	// Transparency is what the auditor's pages tell beyond what they read from the configuration, the ledger and the receipts (docs/transparency.md).
	Transparency Transparency `yaml:"transparency"`
	// Log is the program's own log. It holds counts and reasons, never the content of a line.
	Log Log `yaml:"log"`
	// Telemetry is what the program tells of itself beside metrics and log. Nothing is sent anywhere unless it is configured here.
	Telemetry Telemetry `yaml:"telemetry"`
}

// Site is a set of host names whose readership is published together.
type Site struct {
	// ID names the site in releases and addresses: lower-case letters, digits, dots, dashes and underscores, at most 64, the first one a letter or digit.
	ID string `yaml:"id" required:"true"`
	// Title is shown on pages. When empty, the id is shown.
	Title string `yaml:"title"`
	// Hosts are the host names of the site, in lower case and without port. A line that names no host belongs to the site of its source.
	Hosts []string `yaml:"hosts"`
	// RoutesFile lists the site's paths and templates (`/users/{id}`), one a line, or is an XML sitemap or sitemap index; each may be compressed (.gz). A path in the list is kept as it is, and for visitors who opted out only such paths are kept.
	RoutesFile string `yaml:"routes_file"`
	// PublicRoutes lets pages show the routes that could not be published, as blank rows. Needs routes_file.
	PublicRoutes bool `yaml:"public_routes" default:"false"`
	// Tables are further tables beside that of paths: `client`, `country`, `hour`, `os`, `referrer`, `status`; not client and os together. Each takes 8 % of the privacy budget from the path table. What is in force on a month's first closed day stays in force until the month is over.
	Tables []string `yaml:"tables"`
	// Notes are dates that explain numbers, such as a redesign or an outage. Charts and tables show them.
	Notes []Note `yaml:"notes"`
	// CaseSensitive keeps the case of paths. When false, paths are written in lower case.
	CaseSensitive bool `yaml:"case_sensitive" default:"false"`
	// Privacy makes the method stricter for this site.
	Privacy SitePrivacy `yaml:"privacy"`
	// Consent says how the log tells that a visitor consented to be counted in spite of DNT.
	Consent Consent `yaml:"consent"`
}

// SitePrivacy are a site's own parameters of the method. None can be laxer than the one in `privacy`.
type SitePrivacy struct {
	// K is the site's k. When 0, privacy.k.
	K int64 `yaml:"k" default:"0" min:"0" max:"1000000"`
	// Epsilon is the site's privacy loss per device and period. When 0, privacy.epsilon.
	Epsilon float64 `yaml:"epsilon" default:"0" min:"0" max:"1"`
	// Delta is the site's probability of a larger loss. When 0, privacy.delta.
	Delta float64 `yaml:"delta" default:"0" min:"0" max:"1e-9"`
}

// Note is something that happened on a day.
type Note struct {
	// Date is the day, UTC, such as 2026-11-02.
	Date string `yaml:"date" required:"true"`
	// Text says what happened, in a few words; everybody who reads the pages reads it.
	Text string `yaml:"text" required:"true"`
}

// Consent is a marker in the log of visitors who consented. It overrides DNT at this site, not Sec-GPC and not the opt-out list; the site must answer such requests with `Tk: C`.
type Consent struct {
	// Cookie is the name of a cookie by which the site remembers consent. Together with value.
	Cookie string `yaml:"cookie"`
	// Value is the whole value of that cookie. Together with cookie.
	Value string `yaml:"value"`
	// Marker is the value, up to the first semicolon, of the log's consent field (docs/signals.md): `C` where the log has the response's Tk.
	Marker string `yaml:"marker"`
}

// Source is one log, or several of one kind. Exactly one of path, paths, stdin, syslog, http and kafka (docs/sources.md).
type Source struct {
	// Name is the feed's name, unique among all machines that ship: a release says by this name which source was missing. Same letters as a site's id, and @.
	Name string `yaml:"name" required:"true"`
	// Site is the id of the site of lines that name no known host.
	Site string `yaml:"site" required:"true"`
	// Path is a file or a glob; matching files are followed through rotation, and those that end compressed (gzip, zstd) are read as history.
	Path string `yaml:"path"`
	// Paths are several files or globs, instead of path.
	Paths []string `yaml:"paths"`
	// Stdin reads standard input: at most once from the last durable cut.
	Stdin bool `yaml:"stdin" default:"false"`
	// Syslog receives messages of syslog: at most once.
	Syslog Syslog `yaml:"syslog"`
	// HTTP receives POST /ingest: at least once, and once with an Idempotency-Key.
	HTTP Push `yaml:"http"`
	// Kafka reads a topic of raw lines that other shippers fill: exactly once. Its messages hold what a log holds; keep that topic as short as you can.
	Kafka RawTopic `yaml:"kafka"`
	// Format is the form of the lines: a name that `throng formats` lists, the format of nginx's log_format or Apache's LogFormat as it stands in the server's configuration, `syslog:` and one of these for lines behind syslog's header, or `auto`, which decides by the first lines.
	Format string `yaml:"format" default:"auto"`
	// Keys are the names under which a log in JSON, LTSV or W3C form has its fields, such as `remote_addr: client.ip`; a dot leads into an object. Fields are called as `throng parse` writes them; `request` is a whole request line, and an empty name leaves a field out. Fields that are not listed keep the names of the format.
	Keys map[string]string `yaml:"keys"`
	// TrustedProxies is how many proxies of yours a request passes before the server that writes the log. With 0 the client's address is the connection's; with N it is the N-th from the right in X-Forwarded-For (or Forwarded), which the format must have. One too many lets clients choose their address.
	TrustedProxies int `yaml:"trusted_proxies" default:"0" min:"0" max:"16"`
}

// Syslog is where messages of syslog are received, over UDP, TCP or both. Nobody is authenticated.
type Syslog struct {
	// UDP is an address for datagrams, host:port.
	UDP string `yaml:"udp"`
	// TCP is an address for connections, host:port; each message is framed by its length or by a newline.
	TCP string `yaml:"tcp"`
	// Exposed allows addresses that other machines can reach. What they send is not encrypted.
	Exposed bool `yaml:"exposed" default:"false"`
}

// Push is where lines are received over HTTP.
type Push struct {
	// Listen is the address, host:port.
	Listen string `yaml:"listen"`
	// TokenFile is a file with the bearer token on its first line, of 16 bytes or more. Required with listen.
	TokenFile string `yaml:"token_file"`
	// TLSCertFile is a file with the certificate, in PEM. Without it lines travel as they are.
	TLSCertFile string `yaml:"tls_cert_file"`
	// TLSKeyFile is a file with its key, in PEM.
	TLSKeyFile string `yaml:"tls_key_file"`
	// Exposed allows an address that other machines can reach without TLS, such as behind a proxy that ends it.
	Exposed bool `yaml:"exposed" default:"false"`
	// MaxBody is the largest body, packed and unpacked; eight are in memory at a time.
	MaxBody Size `yaml:"max_body" default:"8MiB" min:"64KiB" max:"64MiB"`
}

// OptOut is the opt-out list, which `throng optout` makes.
type OptOut struct {
	// ListFile is the list. When empty, optout/list in the state directory, which may be missing until somebody opts out. Its key is keys/optout in the state directory.
	ListFile string `yaml:"list_file"`
	// Cookie is the name of the cookie whose value is looked up, besides the account. When empty, only accounts are.
	Cookie string `yaml:"cookie"`
	// CheckEvery is the time between two looks at the list for changes.
	CheckEvery Duration `yaml:"check_every" default:"10s" min:"1s" max:"1h"`
}

// Country is a database of the countries of addresses, which you supply.
type Country struct {
	// DatabaseFile is the database, in MaxMind's format (MMDB). When empty, no event has a country.
	DatabaseFile string `yaml:"database_file"`
	// CheckEvery is the time between two looks at the database for changes.
	CheckEvery Duration `yaml:"check_every" default:"1m" min:"1s" max:"1h"`
}

// RawTopic is a topic of raw lines. Each message is one line or several, of less than 16MiB.
type RawTopic struct {
	// Topic is the topic's name. It has to exist.
	Topic string `yaml:"topic"`
	// Addrs are the bootstrap brokers of the topic, host:port. When empty, those of broker.addrs, or the embedded broker.
	Addrs []string `yaml:"addrs"`
	// TLS encrypts connections to addrs.
	TLS TLS `yaml:"tls"`
	// SASL says who this program is to addrs.
	SASL SASL `yaml:"sasl"`
	// Group is the consumer group. Machines of one group share the topic's partitions; another group reads the topic again from its start.
	Group string `yaml:"group" default:"throng-raw"`
}

// Broker is a Kafka cluster, or the embedded broker when addrs is empty.
type Broker struct {
	// Addrs are the bootstrap brokers, host:port. When empty, the embedded broker runs in this process.
	Addrs []string `yaml:"addrs"`
	// TLS encrypts connections to addrs.
	TLS TLS `yaml:"tls"`
	// SASL says who this program is to addrs.
	SASL SASL `yaml:"sasl"`
	// Partitions is the number of partitions of a new topic.
	Partitions int `yaml:"partitions" default:"4" min:"1" max:"1024"`
	// Replication is the replication factor of a new topic. The embedded broker has 1.
	Replication int `yaml:"replication" default:"1" min:"1" max:"7"`
	// Compression is the codec of messages.
	Compression string `yaml:"compression" default:"none" enum:"none,gzip,snappy,lz4,zstd"`
	// Block says when a block of events is full. One block is one message and one insert.
	Block Block `yaml:"block"`
}

// TLS encrypts connections to servers, and says whom to believe.
type TLS struct {
	// Enabled encrypts the connections, with TLS 1.2 or newer.
	Enabled bool `yaml:"enabled" default:"false"`
	// CAFile is a file with the certificates of the authorities that may vouch for the servers, in PEM. When empty, those of the system.
	CAFile string `yaml:"ca_file"`
	// CertFile is a file with this program's own certificate, in PEM, for servers that ask for one. It is read again for each connection.
	CertFile string `yaml:"cert_file"`
	// KeyFile is a file with its key, in PEM.
	KeyFile string `yaml:"key_file"`
	// ServerName is the name that the servers' certificates must have. When empty, the host of the address.
	ServerName string `yaml:"server_name"`
}

// SASL says who this program is to a Kafka cluster.
type SASL struct {
	// Mechanism is how the password is proved. `plain` sends it as it is, so it needs tls.
	Mechanism string `yaml:"mechanism" enum:",plain,scram-sha-256,scram-sha-512"`
	// User is the name of the user at the cluster.
	User string `yaml:"user"`
	// PasswordFile is a file with the user's password on its first line.
	PasswordFile string `yaml:"password_file"`
}

// Block is cut at whichever limit is reached first.
type Block struct {
	// MaxRows is the number of events at which a block is cut.
	MaxRows int `yaml:"max_rows" default:"262144" min:"1024" max:"262144"`
	// MaxBytes is the encoded size at which a block is cut. Topics are created for messages of 16MiB; for a cluster that refuses such messages, 900KiB.
	MaxBytes Size `yaml:"max_bytes" default:"12MiB" min:"64KiB" max:"15MiB"`
	// MaxAge is the time after which a block is cut however small it is.
	MaxAge Duration `yaml:"max_age" default:"30s" min:"1s" max:"5m"`
}

// Store is a ClickHouse server or cluster, or the embedded engine when addr and shards are empty (docs/clickhouse.md).
type Store struct {
	// Addr is the server's HTTP interface, host:port. When it and shards are empty, the embedded engine runs in this process.
	Addr string `yaml:"addr"`
	// Shards are the servers of a cluster instead: one word for each shard, the HTTP interfaces, host:port, of its replicas with + between them, such as `ch1a:8123+ch1b:8123`. Their order and number stay as they are.
	Shards []string `yaml:"shards"`
	// Cluster is the name of the cluster at the servers (remote_servers). Tables are then replicated. Required where a shard has replicas; needs shards.
	Cluster string `yaml:"cluster"`
	// Database is the name of the database.
	Database string `yaml:"database" default:"throng" required:"true"`
	// TLS encrypts connections to addr or shards.
	TLS TLS `yaml:"tls"`
	// User is the user at the server. Needs addr or shards.
	User string `yaml:"user"`
	// PasswordFile is a file with the user's password on its first line. Needs user.
	PasswordFile string `yaml:"password_file"`
	// MemoryLimit is the embedded engine's memory limit. A server has its own.
	MemoryLimit Size `yaml:"memory_limit" default:"1GiB" min:"256MiB" max:"1TiB"`
}

// Privacy holds the parameters of the method (docs/design/privacy.md).
type Privacy struct {
	// K is the number of distinct devices under which nothing is published.
	K int64 `yaml:"k" default:"5000" min:"5000" max:"1000000"`
	// Epsilon is the privacy loss per device and period.
	Epsilon float64 `yaml:"epsilon" default:"1" min:"0.01" max:"1"`
	// Delta is the probability with which that loss may be larger, per device and period.
	Delta float64 `yaml:"delta" default:"1e-9" min:"1e-15" max:"1e-9"`
	// IPv4Bits is the prefix length to which IPv4 addresses are cut.
	IPv4Bits int `yaml:"ipv4_bits" default:"24" min:"8" max:"24"`
	// IPv6Bits is the prefix length to which IPv6 addresses are cut.
	IPv6Bits int `yaml:"ipv6_bits" default:"48" min:"16" max:"48"`
	// OptedOutIPv4Bits is the same for visitors who opted out. The network must hold at least k addresses: 18 or less from k = 8193 on.
	OptedOutIPv4Bits int `yaml:"opted_out_ipv4_bits" default:"19" min:"8" max:"19"`
	// OptedOutIPv6Bits is the same for visitors who opted out.
	OptedOutIPv6Bits int `yaml:"opted_out_ipv6_bits" default:"32" min:"16" max:"32"`
}

// Release says when a day is closed and published.
type Release struct {
	// Lateness is how long after a day's end a source may be missing before the day is closed without it; the release names the source.
	Lateness Duration `yaml:"lateness" default:"36h" min:"1h" max:"48h"`
	// Settle is how long after a day's end the day is not closed even when every source is past it.
	Settle Duration `yaml:"settle" default:"10m" min:"1m" max:"12h"`
}

// Retention says how long each class of data is kept (docs/retention.md). A stricter value applies at once to all that there is; a laxer one to the days that begin after it. What was published, the ledger and the receipts are kept.
type Retention struct {
	// OptedOut is the age at which events of visitors who opted out are deleted.
	OptedOut Duration `yaml:"opted_out" default:"10d" min:"1d" max:"10d"`
	// Standard is the age at which all other events are deleted.
	Standard Duration `yaml:"standard" default:"10d" min:"1d" max:"10d"`
	// OpenUnits is how long after its day's end a unit token may exist. It goes when the day is closed; longer than release.lateness by 75m or more, since deletion begins that long before the limit.
	OpenUnits Duration `yaml:"open_units" default:"48h" min:"1h" max:"48h"`
	// FoldedUnits is the age at which what closed days could not show is deleted, if its span was not closed before. Longer than a span and release.lateness by 75m or more.
	FoldedUnits Duration `yaml:"folded_units" default:"10d" min:"8d" max:"10d"`
	// EventsTopic is how long after its day's end a topic may exist. Longer than release.lateness by 75m or more.
	EventsTopic Duration `yaml:"events_topic" default:"48h" min:"1h" max:"48h"`
	// RawTopic is the age that a line in a topic of raw lines may reach (sources[].kafka). Its deletion is up to the topic's settings, which are checked.
	RawTopic Duration `yaml:"raw_topic" default:"24h" min:"10m" max:"24h"`
	// Quarantine is the age at which the notes on refused lines are deleted.
	Quarantine Duration `yaml:"quarantine" default:"10d" min:"2d" max:"10d"`
	// ServerLogs are the web server's own files.
	ServerLogs ServerLogs `yaml:"server_logs"`
	// CheckEvery is the time between two sweeps; what falls due before the next one is deleted by this one.
	CheckEvery Duration `yaml:"check_every" default:"1h" min:"1m" max:"1h"`
}

// ServerLogs are files that the web server writes and that Throng looks after. Logs that hold what Throng deletes have to go as early.
type ServerLogs struct {
	// Paths are files or globs: the log and all that it was rotated to, compressed or not, such as `/var/log/nginx/access.log*`. When empty, nothing is looked after.
	Paths []string `yaml:"paths"`
	// MaxAge is the age that a line may reach.
	MaxAge Duration `yaml:"max_age" default:"10d" min:"2h" max:"10d"`
	// Delete lets Throng delete files whose oldest line reaches that age and that nobody writes any more. When false, they are reported.
	Delete bool `yaml:"delete" default:"false"`
}

// Listen holds the addresses that are served, each host:port.
type Listen struct {
	// Public serves what is published.
	Public string `yaml:"public" default:"127.0.0.1:8080" required:"true"`
	// Admin serves metrics and health. A loopback address, unless admin_exposed is set.
	Admin string `yaml:"admin" default:"127.0.0.1:9090" required:"true"`
	// AdminExposed allows an admin address that other machines can reach, such as a scraper's network.
	AdminExposed bool `yaml:"admin_exposed" default:"false"`
	// Analysts says who may read the analysts' pages: everyone, or who has a token (docs/access.md). The published files, the auditor's pages and the well-known resources are for everyone in any case.
	Analysts string `yaml:"analysts" default:"public" enum:"public,token"`
	// TokensFile has a name and a token of 16 bytes or more on each line, parted by a blank. Required where analysts is token; it is read at start.
	TokensFile string `yaml:"tokens_file"`
	// TrustedProxies is how many proxies of yours a request passes before the public listener. With N, the reader's address, which only the rate limit uses, is the N-th from the right in X-Forwarded-For; with 0 it is the connection's, and connections of this machine are not limited.
	TrustedProxies int `yaml:"trusted_proxies" default:"0" min:"0" max:"16"`
	// Rate is how many requests a second one network (IPv4 /24, IPv6 /48) may send in the long run; ten seconds' worth at once.
	Rate int `yaml:"rate" default:"20" min:"1" max:"10000"`
	// Connections is how many connections may be open at a time.
	Connections int `yaml:"connections" default:"1024" min:"16" max:"65536"`
	// Pprof serves Go's profiles under /debug/pprof/ of the admin address.
	Pprof bool `yaml:"pprof" default:"false"`
}

// WellKnown holds what is served below /.well-known/ of the public address. What is left out is not served.
type WellKnown struct {
	// DNTPolicyFile is EFF's Do Not Track policy, as EFF publishes it; an altered one is refused at start.
	DNTPolicyFile string `yaml:"dnt_policy_file"`
	// DNTPolicyAsserted is the day (2026-01-15) on which you last asserted that the hosts comply with it; once a year. Required with dnt_policy_file.
	DNTPolicyAsserted string `yaml:"dnt_policy_asserted"`
	// Tracking is the tracking status of the W3C Tracking Preference Expression.
	Tracking TrackingStatus `yaml:"tracking"`
	// GPCUpdated is the day (2026-01-15) on which you last said whether Global Privacy Control is honoured. When empty, gpc.json is not served.
	GPCUpdated string `yaml:"gpc_updated"`
	// GPC says that Global Privacy Control is honoured.
	GPC bool `yaml:"gpc" default:"true"`
}

// TrackingStatus is served at /.well-known/dnt/. Addresses may be relative to the host.
type TrackingStatus struct {
	// Status is the status value of the site: `!`, `?`, `G`, `N`, `T`, `C`, `P` or `D`. When empty, none is served.
	Status string `yaml:"status"`
	// OptedOut is the value in the answer to DNT: 1. When empty, that of status.
	OptedOut string `yaml:"opted_out"`
	// Requests are the values of single requests, by the status-id that your servers send behind Tk's semicolon: `{consent: C}`.
	Requests map[string]string `yaml:"requests"`
	// Compliance are addresses of regimes that the site complies with.
	Compliance []string `yaml:"compliance"`
	// Qualifiers are characters whose meaning a regime gives.
	Qualifiers string `yaml:"qualifiers"`
	// Controller are addresses that tell who is responsible for the data.
	Controller []string `yaml:"controller"`
	// SameParty are domains of the same party.
	SameParty []string `yaml:"same_party"`
	// Audit are addresses of audits; the auditor's pages are one.
	Audit []string `yaml:"audit"`
	// Policy is the address of the privacy policy.
	Policy string `yaml:"policy"`
	// Config is the address where visitors give and take back consent. Required with the values C and P.
	Config string `yaml:"config"`
}

// Transparency is what only the operator can tell.
type Transparency struct {
	// Address is the address under which readers reach the public listener, such as `https://readers.example.org/`; the pages say it in the command that verifies them. When empty, that of listen.public.
	Address string `yaml:"address"`
	// Contact is the address (https: or mailto:) where visitors ask, and opt out by name.
	Contact string `yaml:"contact"`
	// Incidents are what went wrong and was noticed, for everyone to read.
	Incidents []Incident `yaml:"incidents"`
}

// Incident is something that went wrong.
type Incident struct {
	// Day is the day on which it was noticed, such as 2026-01-15.
	Day string `yaml:"day" required:"true"`
	// Title says in a few words what it was.
	Title string `yaml:"title" required:"true"`
	// Text says what it meant for visitors, and what was done.
	Text string `yaml:"text"`
}

// Telemetry is what the program tells of itself beside metrics and log.
type Telemetry struct {
	// Traces are spans of closing and loading.
	Traces Traces `yaml:"traces"`
}

// Traces are sent to a collector of OpenTelemetry's, by OTLP over HTTP. A span holds durations, counts, and names of sites and periods.
type Traces struct {
	// Endpoint is the collector's address for traces, such as `http://127.0.0.1:4318/v1/traces`. When empty, nothing is traced.
	Endpoint string `yaml:"endpoint"`
}

// Log is the program's own log, on standard error.
type Log struct {
	// Level is the least severe level that is written.
	Level string `yaml:"level" default:"info" enum:"debug,info,warn,error"`
	// Format is the form of the log.
	Format string `yaml:"format" default:"text" enum:"text,json"`
}
