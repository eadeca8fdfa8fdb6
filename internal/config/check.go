package config

import (
	"fmt"
	"math/bits"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"throng"
)

// checker collects problems, so that a reader sees them all.
type checker struct{ problems Problems }

func (ck *checker) refuse(key, format string, args ...any) {
	ck.problems = append(ck.problems, Problem{Key: key, Why: fmt.Sprintf(format, args...)})
}

func (c *Config) problems() Problems {
	var ck checker
	ck.tags("", reflect.ValueOf(c).Elem())
	ck.sites(c.Sites)
	ck.sources(c.Sources, c.Sites)
	ck.optOut(c.OptOut)
	ck.engines(c.Broker, c.Store)
	ck.networks(c.Privacy)
	for i, s := range c.Sites {
		ck.stricter(fmt.Sprintf("sites[%d].privacy", i), s.Privacy, c.Privacy)
	}
	ck.times(c.Release, c.Retention)
	ck.listeners(c.Listen)
	ck.wellKnown(c.WellKnown)
	ck.transparency(c.Transparency)
	ck.telemetry(c.Telemetry)
	return ck.problems
}

// tags checks what the struct tags say of single values: required, min, max and enum.
func (ck *checker) tags(key string, v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		fv, key := v.Field(f.index), join(key, f.name)
		switch {
		case f.tag.Get("required") == "true" && (fv.IsZero() || fv.Kind() == reflect.Slice && fv.Len() == 0):
			ck.refuse(key, "is required")
		case isSection(f.typ):
			ck.tags(key, fv)
		case fv.Kind() == reflect.Slice && isSection(f.typ.Elem()):
			for i := range fv.Len() {
				ck.tags(fmt.Sprintf("%s[%d]", key, i), fv.Index(i))
			}
		default:
			ck.scalar(key, f, fv)
		}
	}
}

func (ck *checker) scalar(key string, f field, v reflect.Value) {
	if words, ok := f.tag.Lookup("enum"); ok && !slices.Contains(strings.Split(words, ","), v.String()) {
		ck.refuse(key, "%q is not one of %s%s", v.String(), strings.ReplaceAll(words, ",", ", "), suggest(v.String(), strings.Split(words, ",")))
	}
	if text, ok := f.tag.Lookup("min"); ok && less(v, bound(f, text)) {
		ck.refuse(key, "%v is less than the smallest allowed value, %s", v.Interface(), text)
	}
	if text, ok := f.tag.Lookup("max"); ok && less(bound(f, text), v) {
		ck.refuse(key, "%v is more than the largest allowed value, %s", v.Interface(), text)
	}
}

func bound(f field, text string) reflect.Value {
	v := reflect.New(f.typ).Elem()
	if err := set(v, text); err != nil {
		panic("config: the range of " + f.name + ": " + err.Error())
	}
	return v
}

func less(a, b reflect.Value) bool {
	if a.CanFloat() {
		return a.Float() < b.Float()
	}
	return a.Int() < b.Int()
}

var (
	siteID     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)
	hostName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

func (ck *checker) sites(sites []Site) {
	ids, hosts := map[string]string{}, map[string]string{}
	for i, s := range sites {
		key := fmt.Sprintf("sites[%d]", i)
		if s.ID != "" && !siteID.MatchString(s.ID) {
			ck.refuse(key+".id", "%q: want lower-case letters, digits, dots, dashes and underscores, at most 64, the first one a letter or digit", s.ID)
		}
		ck.unique(ids, key+".id", s.ID)
		for j, h := range s.Hosts {
			hostKey := fmt.Sprintf("%s.hosts[%d]", key, j)
			if !hostName.MatchString(h) {
				ck.refuse(hostKey, "%q is not a host name in lower case, without scheme and port", h)
			}
			ck.unique(hosts, hostKey, h)
		}
		if s.PublicRoutes && s.RoutesFile == "" {
			ck.refuse(key+".public_routes", "needs %s.routes_file", key)
		}
		if err := throng.CheckTables(s.Tables); err != nil {
			ck.refuse(key+".tables", "%v", err)
		}
		ck.consent(key+".consent", s.Consent)
		for j, n := range s.Notes {
			if _, err := throng.ParseDay(n.Date); n.Date != "" && err != nil {
				ck.refuse(fmt.Sprintf("%s.notes[%d].date", key, j), "%q: want a day, such as 2026-11-02", n.Date)
			}
		}
	}
}

// cookieName is a token (RFC 6265 section 4.1.1).
var cookieName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (ck *checker) consent(key string, c Consent) {
	switch {
	case c.Cookie == "" && c.Value != "":
		ck.refuse(key+".value", "needs %s.cookie", key)
	case c.Cookie != "" && c.Value == "":
		ck.refuse(key+".cookie", "needs %s.value: that a cookie is there is no consent", key)
	}
	ck.cookie(key+".cookie", c.Cookie)
	if strings.ContainsAny(c.Value, ";\"") || c.Value != strings.TrimSpace(c.Value) {
		ck.refuse(key+".value", "has quotes, semicolons or blanks around it, which do not belong to a cookie's value")
	}
	if strings.Contains(c.Marker, ";") || c.Marker != strings.TrimSpace(c.Marker) {
		ck.refuse(key+".marker", "has a semicolon, or blanks around it; it is compared up to the log's first semicolon")
	}
}

func (ck *checker) optOut(o OptOut) { ck.cookie("optout.cookie", o.Cookie) }

func (ck *checker) cookie(key, name string) {
	if name != "" && !cookieName.MatchString(name) {
		ck.refuse(key, "%q is not the name of a cookie", name)
	}
}

// unique refuses a value that another key has already.
func (ck *checker) unique(seen map[string]string, key, value string) {
	if value == "" {
		return
	}
	if first, ok := seen[value]; ok {
		ck.refuse(key, "%q is %s already", value, first)
		return
	}
	seen[value] = key
}

func (ck *checker) sources(sources []Source, sites []Site) {
	names, stdin := map[string]string{}, ""
	for i, s := range sources {
		key := fmt.Sprintf("sources[%d]", i)
		if s.Name != "" && !sourceName.MatchString(s.Name) {
			ck.refuse(key+".name", "%q: want lower-case letters, digits, dots, dashes, underscores and @, at most 64, the first one a letter or digit", s.Name)
		}
		ck.unique(names, key+".name", s.Name)
		if s.Site != "" && !slices.ContainsFunc(sites, func(site Site) bool { return site.ID == s.Site }) {
			ck.refuse(key+".site", "%q is the id of no site", s.Site)
		}
		ck.place(key, s)
		if s.Stdin && stdin != "" {
			ck.refuse(key+".stdin", "standard input is %s already", stdin)
		} else if s.Stdin {
			stdin = key
		}
	}
}

// place makes sure that a source is of exactly one kind.
func (ck *checker) place(key string, s Source) {
	first := ""
	for _, kind := range s.kinds() {
		if first != "" {
			ck.refuse(key+"."+kind, "not together with %s.%s", key, first)
			continue
		}
		first = kind
	}
	if first == "" {
		ck.refuse(key, "names none of path, paths, stdin, syslog, http and kafka")
	}
	if _, err := filepath.Match(s.Path, ""); err != nil {
		ck.refuse(key+".path", "is not a valid glob")
	}
	for i, path := range s.Paths {
		if _, err := filepath.Match(path, ""); err != nil || path == "" {
			ck.refuse(fmt.Sprintf("%s.paths[%d]", key, i), "is not a valid glob")
		}
	}
	ck.syslog(key+".syslog", s.Syslog)
	ck.push(key+".http", s.HTTP)
	ck.rawTopic(key+".kafka", s.Kafka)
}

// kinds are the keys that say where a source's lines come from.
func (s Source) kinds() (kinds []string) {
	for _, k := range []struct {
		key string
		set bool
	}{
		{"path", s.Path != ""}, {"paths", len(s.Paths) > 0}, {"stdin", s.Stdin},
		{"syslog", s.Syslog != Syslog{}}, {"http", s.HTTP != Push{MaxBody: s.HTTP.MaxBody}},
		{"kafka", s.Kafka.Topic != "" || len(s.Kafka.Addrs) > 0 || s.Kafka.TLS != TLS{} || s.Kafka.SASL != SASL{}},
	} {
		if k.set {
			kinds = append(kinds, k.key)
		}
	}
	return kinds
}

func (ck *checker) syslog(key string, s Syslog) {
	if s.Exposed && s.UDP == "" && s.TCP == "" {
		ck.refuse(key, "names neither udp nor tcp")
	}
	ck.inbound(key+".udp", s.UDP, s.Exposed, "")
	ck.inbound(key+".tcp", s.TCP, s.Exposed, "")
}

func (ck *checker) push(key string, p Push) {
	if p == (Push{MaxBody: p.MaxBody}) {
		return
	}
	if p.Listen == "" {
		ck.refuse(key+".listen", "is required")
	}
	if p.TokenFile == "" {
		ck.refuse(key+".token_file", "is required: whoever can connect could add lines")
	}
	if (p.TLSCertFile == "") != (p.TLSKeyFile == "") {
		ck.refuse(key+".tls_key_file", "goes together with %s.tls_cert_file", key)
	}
	ck.inbound(key+".listen", p.Listen, p.Exposed || p.TLSCertFile != "", "set tls_cert_file and tls_key_file, or ")
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func (ck *checker) rawTopic(key string, t RawTopic) {
	if t.Topic == "" && len(t.Addrs) == 0 && t.TLS == (TLS{}) && t.SASL == (SASL{}) {
		return
	}
	if _, events := throng.ParseEventsTopic(t.Topic); events || !topicName.MatchString(t.Topic) {
		ck.refuse(key+".topic", "%q: want the name of a topic of raw lines: letters, digits, dots, dashes and underscores, and not events-DATE, which is a topic of Throng's own", t.Topic)
	}
	if t.Group == "" {
		ck.refuse(key+".group", "is required")
	}
	ck.cluster(key, t.Addrs, t.TLS, t.SASL)
}

// inbound refuses an address that other machines can reach, unless that is allowed: raw lines come in.
func (ck *checker) inbound(key, addr string, allowed bool, instead string) {
	if host := ck.hostPort(key, addr); host != "" && !isLoopback(host) && !allowed {
		ck.refuse(key, "%q is not a loopback address, and raw lines would travel as they are; %sset exposed if other machines shall send here", addr, instead)
	}
}

func (ck *checker) engines(b Broker, s Store) {
	ck.cluster("broker", b.Addrs, b.TLS, b.SASL)
	if b.Embedded() && b.Replication != 1 {
		ck.refuse("broker.replication", "the embedded broker has one copy; set broker.addrs, or 1")
	}
	if s.Addr != "" {
		ck.hostPort("store.addr", s.Addr)
	}
	ck.shards(s)
	ck.tls("store.tls", s.TLS, "store.addr", !s.Embedded())
	if s.Embedded() && s.User != "" {
		ck.refuse("store.user", "the embedded engine has no users; set store.addr, or leave it out")
	}
	if s.User == "" && s.PasswordFile != "" {
		ck.refuse("store.password_file", "needs store.user")
	}
	if !databaseName.MatchString(s.Database) {
		ck.refuse("store.database", "%q: want letters, digits and underscores, the first one no digit, at most 64", s.Database)
	}
}

func (ck *checker) shards(s Store) {
	if s.Addr != "" && len(s.Shards) > 0 {
		ck.refuse("store.shards", "store.addr is set as well; leave one of them out")
	}
	if s.Cluster != "" && len(s.Shards) == 0 {
		ck.refuse("store.cluster", "needs store.shards: Throng asks each server by its own address, never a balancer in front of them")
	}
	if s.Cluster != "" && !databaseName.MatchString(s.Cluster) {
		ck.refuse("store.cluster", "%q: want letters, digits and underscores, the first one no digit, at most 64", s.Cluster)
	}
	known := map[string]bool{}
	for i, replicas := range s.Servers() {
		key := fmt.Sprintf("store.shards[%d]", i)
		for _, addr := range replicas {
			ck.hostPort(key, addr)
			if known[addr] {
				ck.refuse(key, "%q is there twice; each server belongs to one shard", addr)
			}
			known[addr] = true
		}
		if len(replicas) > 1 && s.Cluster == "" {
			ck.refuse(key, "has %d servers, which only store.cluster makes replicas of each other", len(replicas))
		}
	}
}

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (ck *checker) networks(p Privacy) {
	if size := int64(1) << min(max(32-p.OptedOutIPv4Bits, 0), 32); size < p.K {
		ck.refuse("privacy.opted_out_ipv4_bits", "a /%d holds %d addresses, fewer than privacy.k = %d; want %d or less",
			p.OptedOutIPv4Bits, size, p.K, 32-bits.Len64(uint64(p.K-1)))
	}
	if p.OptedOutIPv4Bits > p.IPv4Bits {
		ck.refuse("privacy.opted_out_ipv4_bits", "/%d is narrower than privacy.ipv4_bits, /%d", p.OptedOutIPv4Bits, p.IPv4Bits)
	}
	if p.OptedOutIPv6Bits > p.IPv6Bits {
		ck.refuse("privacy.opted_out_ipv6_bits", "/%d is narrower than privacy.ipv6_bits, /%d", p.OptedOutIPv6Bits, p.IPv6Bits)
	}
}

// stricter refuses a site's parameters that are laxer than everyone's.
func (ck *checker) stricter(key string, site SitePrivacy, p Privacy) {
	if site.K != 0 && site.K < p.K {
		ck.refuse(key+".k", "%d is less than privacy.k, %d; a site can only be stricter", site.K, p.K)
	}
	if site.Epsilon != 0 && (site.Epsilon > p.Epsilon || site.Epsilon < leastEpsilon) {
		ck.refuse(key+".epsilon", "%g is not between %g and privacy.epsilon, %g; a site can only be stricter", site.Epsilon, leastEpsilon, p.Epsilon)
	}
	if site.Delta != 0 && (site.Delta > p.Delta || site.Delta < leastDelta) {
		ck.refuse(key+".delta", "%g is not between %g and privacy.delta, %g; a site can only be stricter", site.Delta, leastDelta, p.Delta)
	}
	if size := int64(1) << min(max(32-p.OptedOutIPv4Bits, 0), 32); size < site.K {
		ck.refuse(key+".k", "privacy.opted_out_ipv4_bits keeps networks of %d addresses, fewer than %d", size, site.K)
	}
}

// The smallest ε and δ that make sense: those of the section privacy.
const (
	leastEpsilon = 0.01
	leastDelta   = 1e-15
)

// lead is how long before a limit retention begins to delete (retention.Limits.Lead).
const lead = Duration(75 * time.Minute)

// spanDays is the length of the longest span.
const spanDays = 8

// times makes sure that nothing is deleted before the day it belongs to can be closed.
func (ck *checker) times(r Release, keep Retention) {
	if r.Settle > r.Lateness {
		ck.refuse("release.settle", "%v is longer than release.lateness, %v", r.Settle, r.Lateness)
	}
	ck.outlasts("open_units", keep.OpenUnits, r.Lateness+lead)
	ck.outlasts("events_topic", keep.EventsTopic, r.Lateness+lead)
	ck.outlasts("opted_out", keep.OptedOut, Duration(day)+r.Lateness+lead)
	ck.outlasts("standard", keep.Standard, Duration(day)+r.Lateness+lead)
	ck.outlasts("folded_units", keep.FoldedUnits, spanDays*Duration(day)+r.Lateness+lead)
	for i, path := range keep.ServerLogs.Paths {
		if _, err := filepath.Match(path, ""); err != nil || path == "" {
			ck.refuse(fmt.Sprintf("retention.server_logs.paths[%d]", i), "is not a valid glob")
		}
	}
	if keep.ServerLogs.Delete && len(keep.ServerLogs.Paths) == 0 {
		ck.refuse("retention.server_logs.delete", "needs retention.server_logs.paths")
	}
}

func (ck *checker) outlasts(key string, age, least Duration) {
	if age < least {
		ck.refuse("retention."+key, "%v is too short for this release.lateness: deletion could begin before the close; want at least %v", age, least)
	}
}
