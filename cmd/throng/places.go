package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"throng"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/ingest/accesslog"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/retention"
	"throng/retention/files"
)

// stores are all places where data can be: the engines, which are asked, and the files, which are looked
// at whatever the engines say.
func (n *node) stores(ctx context.Context, b *broker.Client, s *clickhouse.Store) (map[string]retention.Store, error) {
	stores := map[string]retention.Store{
		clickhouse.StoreName: s,
		broker.Store:         b,
		keys.StoreName:       &keys.Inventory{Path: n.dir.keys(), Exports: n.dir.exports(), Clock: n.clock},
		files.StoreName:      &files.State{Dir: string(n.dir), Rules: append(n.rawSegments(), fileRules...), Clock: n.clock, Machine: systemClock{}},
	}
	if l := n.cfg.Retention.ServerLogs; len(l.Paths) > 0 {
		stores[files.LogsStoreName] = &files.Logs{Globs: l.Paths, Remove: l.Delete, First: n.firstTime, Clock: n.clock}
	}
	var raw broker.RawTopics
	for _, src := range n.cfg.Sources {
		if src.Kafka.Topic == "" {
			continue
		}
		at, err := n.brokerOf(ctx, src.Kafka, b)
		if err != nil {
			return nil, err
		}
		raw = append(raw, broker.RawTopic{Client: at, Topic: src.Kafka.Topic})
	}
	if len(raw) > 0 {
		stores[broker.RawStore] = raw
	}
	return stores, nil
}

// Names of what is many files, none of which is worth a line.
const (
	engineNotes = "clickhouse: what the engine notes of tables"
	brokerNotes = "broker: what the broker notes of topics"
)

// fileRules say what is in the state directory. What is not in here is reported: retention does not know
// how long it may be kept.
var fileRules = []files.Rule{
	// Unfinished files come first: they stand beside the finished ones. A writer has one for milliseconds.
	{Path: rule(`(.*/)?\.[^/]+\.tmp-[0-9]+$`), Class: throng.ClassTemporary, Kind: throng.KindTemporary, Removal: throng.RemoveFile, Lives: time.Hour},
	{Path: rule(`tmp/[^/]+`), Class: throng.ClassTemporary, Kind: throng.KindTemporary, Removal: throng.RemoveFile, Lives: time.Hour},

	{Path: rule(`(lock|genesis|limits|routes\.txt)$`), Class: throng.ClassState, Kind: throng.KindFile},
	{Path: rule(`(receipts|ledger|holds)(/|$)`), Class: throng.ClassLedger, Kind: throng.KindFile},
	{Path: rule(`(releases|method)/`), Class: throng.ClassReleases, Kind: throng.KindFile},
	{Path: rule(`keys/epoch$`)}, // the store of keys reads it
	{Path: rule(`(keys/(exports|optout)|optout/list(\.lock)?)$`), Class: throng.ClassState, Kind: throng.KindFile},
	{Path: rule(`ship/`), Class: throng.ClassState, Kind: throng.KindCheckpoint, Note: "positions and keyed hashes, nothing of a line"},
	{Path: rule(`quarantine/(?P<day>\d{4}-\d\d-\d\d)\.ndjson$`), Class: throng.ClassQuarantine, Kind: throng.KindQuarantine, Removal: throng.RemoveFile},

	{Path: rule(`broker/kfake/partitions/events-(?P<day>\d{4}-\d\d-\d\d)-\d+/`), Class: throng.ClassEventsTopic, Kind: throng.KindSegment, Note: "goes with its topic"},
	{Path: rule(`broker/(addr|lock|kfake/[a-z_]+\.(json|log))$`), Name: brokerNotes, Class: throng.ClassState, Kind: throng.KindFile},

	// Whoever froze a table froze unit tokens, maybe: the strictest class.
	{Path: rule(`clickhouse/data/shadow/([^/]+/)*([01]-)?(?P<day>\d{8})_\d+_\d+_\d+`), Class: throng.ClassOpenUnits, Kind: throng.KindShadow, Removal: throng.RemoveFile},
	{Path: rule(`clickhouse/data/backups?/[^/]+`), Class: throng.ClassOpenUnits, Kind: throng.KindBackup, Note: "Throng makes none; whoever made it has to remove it"},
	// Parts by the day in their names, attached, detached or left over. Those of events tell their class.
	{Path: rule(part + `(?P<day>\d{8})-(?P<end>\d{8})-\d+_`), Class: throng.ClassHeld, Kind: throng.KindPartition, Note: "goes with its partition"},
	{Path: rule(part + `1-(?P<day>\d{8})_`), Class: throng.ClassOptedOut, Kind: throng.KindPartition, Note: "goes with its partition"},
	{Path: rule(part + `(0-)?(?P<day>\d{8})_`), Class: throng.ClassStandard, Kind: throng.KindPartition, Note: "goes with its partition"},
	{Path: rule(part + `all_[^/]*/`), Name: "clickhouse: tables that are kept", Class: throng.ClassState, Kind: throng.KindTable},
	{Path: rule(`clickhouse/data/store/[^/]+/[^/]+/(mutation_\d+\.txt$|format_version\.txt$|[^/]+\.sql$|deduplication_logs/)`), Name: engineNotes, Class: throng.ClassState, Kind: throng.KindTable},
	{Path: rule(`clickhouse/data/tmp/[^/]+`), Class: throng.ClassTemporary, Kind: throng.KindTemporary, Removal: throng.RemoveFile, Lives: 24 * time.Hour},
	{Path: rule(`clickhouse/(config\.xml|users\.xml|lock)$`), Name: engineNotes, Class: throng.ClassState, Kind: throng.KindTable},
	{Path: rule(`clickhouse/data/(metadata/|metadata_dropped/|data/default/|shadow/increment\.txt$|uuid$|status$|preprocessed_configs/)`), Name: engineNotes, Links: true, Class: throng.ClassState, Kind: throng.KindTable},
}

// part is the path of a part of a table up to the id of its partition.
const part = `clickhouse/data/store/[^/]+/[^/]+/(detached/)?([a-z-]+_)*`

// rule is an expression that has to match from the start of a path.
func rule(text string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + text + `)`) }

// rawSegments are the segments of topics of raw lines that the embedded broker holds.
func (n *node) rawSegments() (rules []files.Rule) {
	for _, src := range n.cfg.Sources {
		if t := src.Kafka.Topic; t != "" {
			rules = append(rules, files.Rule{
				Path: rule(`broker/kfake/partitions/` + regexp.QuoteMeta(t) + `-\d+/`), Class: throng.ClassRawTopic, Kind: throng.KindSegment,
			})
		}
	}
	return rules
}

// firstTime is the time of the first line of a log that can be read; zero where none can. The format is that of the
// source that reads the file, or is found out.
func (n *node) firstTime(path string) (time.Time, error) {
	head, err := ingest.Head(path, headBytes)
	if err != nil {
		return time.Time{}, err
	}
	format := "auto"
	for _, src := range n.cfg.Sources {
		if slices.ContainsFunc(src.Files(), func(glob string) bool { ok, err := filepath.Match(glob, path); return ok && err == nil }) {
			format = accesslog.Keys(src.Keys).With(src.Format)
		}
	}
	format, err = accesslog.Resolve(format, bytes.Split(head, []byte{'\n'}))
	if err != nil {
		return time.Time{}, nil // the lines are of no known form
	}
	p, err := accesslog.New(format)
	if err != nil {
		return time.Time{}, nil
	}
	var rec accesslog.Record
	for line := range bytes.Lines(head) {
		if p.Parse(bytes.TrimRight(line, "\r\n"), &rec) == nil && rec.Time > 0 {
			return time.Unix(rec.Time, 0).UTC(), nil
		}
	}
	return time.Time{}, nil
}
