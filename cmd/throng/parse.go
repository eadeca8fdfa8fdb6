package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/ingest/accesslog"
	"throng/internal/config"
)

// maxShownLine is the longest line that parse and anonymize read.
const maxShownLine = 2 << 20

// lineReader gives the lines of a reader, with their format found out by the first ones.
type lineReader struct {
	r      *bufio.Reader
	parser *accesslog.Parser
	pos    uint64
}

// lineOptions say how lines are read.
type lineOptions struct {
	Format         string            `default:"auto" help:"The lines' format: auto, a name that 'throng formats' lists, or the format as it stands in the web server's configuration. syslog:FORMAT is FORMAT behind syslog's header."`
	Key            map[string]string `mapsep:"none" placeholder:"FIELD=NAME" help:"The name under which lines of JSON, LTSV or a W3C log have a field, such as remote_addr=client.ip. May be given several times."`
	TrustedProxies int               `default:"0" placeholder:"N" help:"How many trusted proxies are before the server: the client is the N-th hop from the right of X-Forwarded-For."`
}

func newLineReader(r io.Reader, o lineOptions) (*lineReader, error) {
	if o.TrustedProxies < 0 {
		return nil, usageError{errors.New("--trusted-proxies is a count: want 0 or more")}
	}
	if len(o.Key) > 0 && !accesslog.IsResolved(o.Format) {
		return nil, usageError{errors.New("--key says under which name a format has a field: name the format too, such as --format json")}
	}
	lr := &lineReader{r: bufio.NewReaderSize(r, maxShownLine)}
	format := accesslog.Keys(o.Key).With(o.Format)
	if !accesslog.IsResolved(format) {
		head, err := lr.r.Peek(64 << 10)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read lines: %w", err)
		}
		if format, err = accesslog.Resolve(format, bytes.Split(head, []byte{'\n'})); err != nil {
			return nil, err
		}
	}
	var err error
	if lr.parser, err = accesslog.New(format); err != nil {
		return nil, usageError{err}
	}
	lr.parser.TrustProxies(o.TrustedProxies)
	return lr, nil
}

// next gives the next line without its newline, and where it begins.
func (lr *lineReader) next() (line []byte, pos uint64, err error) {
	line, err = lr.r.ReadSlice('\n')
	pos = lr.pos
	lr.pos += uint64(len(line))
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		err = fmt.Errorf("read line at byte %d: longer than %d bytes", pos, maxShownLine)
	}
	return bytes.TrimSuffix(line, []byte{'\n'}), pos, err
}

type parseCommand struct {
	lineOptions
	Explain bool `help:"Show, field by field, how each line was read, and why a line was refused."`
	RawOK   bool `help:"Write to a file or pipe too. The output is raw: it holds addresses and all else."`
}

func (parseCommand) Help() string {
	return "Reads lines from standard input and writes one JSON object a line. Exits with 1 when a line was refused.\n\n" +
		"Example:\n  tail -5 /var/log/nginx/access.log | throng parse --explain"
}

func (c parseCommand) Run(a *app) error {
	if f, ok := a.out.(*os.File); !c.RawOK && (!ok || !term.IsTerminal(int(f.Fd()))) {
		return usageError{errors.New("parse: the output is no terminal, and it would hold addresses and all else that is raw; --raw-ok writes it all the same")}
	}
	lr, err := newLineReader(a.in, c.lineOptions)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.out)
	refused, err := c.lines(lr, out, a.err)
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return refusedError(refused)
}

// refusedError says that lines were refused; nil when none was.
func refusedError(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d lines were refused", n)
}

func (c parseCommand) lines(lr *lineReader, out *bufio.Writer, stderr io.Writer) (refused int, err error) {
	var rec accesslog.Record
	var buf []byte
	for n := 1; ; n++ {
		line, pos, err := lr.next()
		if errors.Is(err, io.EOF) {
			return refused, nil
		}
		if err != nil {
			return refused, err
		}
		reject := lr.parser.Parse(line, &rec)
		directive := errors.Is(reject, accesslog.Directive)
		if reject != nil && !directive {
			refused++
			fmt.Fprintf(stderr, "line %d (byte %d): %v at column %d\n", n, pos, reject, lr.parser.RejectOffset()+1)
		}
		if c.Explain {
			explain(out, lr.parser, line, n)
		} else if reject == nil {
			buf = accesslog.AppendNDJSON(buf[:0], &rec)
			if _, err := out.Write(buf); err != nil {
				return refused, err
			}
		}
	}
}

func explain(out io.Writer, p *accesslog.Parser, line []byte, n int) {
	spans, err := p.Explain(line)
	fmt.Fprintf(out, "line %d, read as %s\n", n, p.Format())
	for _, s := range spans {
		fmt.Fprintf(out, "  %-14s columns %d-%d  %q  %s\n", s.Name, s.Start+1, s.End, line[s.Start:s.End], s.Note)
	}
	if err != nil && !errors.Is(err, accesslog.Directive) {
		fmt.Fprintf(out, "  refused: %v\n", err)
	}
}

type anonymizeCommand struct {
	Config string `short:"c" placeholder:"F" help:"The configuration file: sites, hosts, routes, prefix lengths. Without it, one site and the defaults."`
	Site   string `default:"site" help:"The site of lines that name no known host."`
	lineOptions
	Unit bool `help:"Show the unit token too, under a key made for this run."`
}

func (anonymizeCommand) Help() string {
	return "Reads lines from standard input and writes the events, one JSON object a line, as they would be stored.\n" +
		"The unit token is left out. Exits with 1 when a line was refused.\n\n" +
		"Example:\n  head -3 /var/log/nginx/access.log | throng anonymize"
}

func (c anonymizeCommand) Run(a *app) error {
	cfg := config.Default()
	cfg.Sites = []config.Site{{ID: c.Site}}
	if c.Config != "" {
		var err error
		if cfg, err = (configured{c.Config}).load(a); err != nil {
			return err
		}
		c.Site = cfg.Sites[0].ID
	}
	anon := &anyTime{cfg: cfg, site: c.Site}
	if c.Config != "" {
		n := &node{cfg: cfg, dir: layout(cfg.Dir), clock: a.clock, log: newLogger(cfg.Log, a.err)}
		var err error
		if anon.watched, err = n.openWatched(); err != nil {
			return err
		}
	}
	lr, err := newLineReader(a.in, c.lineOptions)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.out)
	refused, err := c.lines(lr, anon, out, a.err)
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return refusedError(refused)
}

// anyTime anonymizes lines of any time, under keys that are made for this process and forgotten with
// it: each span that comes by gets a new one.
type anyTime struct {
	cfg     *config.Config
	site    string
	clock   movedClock
	watched watched
	anon    *anonymize.Anonymizer
}

func (t *anyTime) anonymize(rec *accesslog.Record, ev *throng.Event) (anonymize.Outcome, error) {
	t.clock.Set(time.Unix(rec.Time, 0))
	if t.anon != nil {
		if outcome := t.anon.Anonymize(rec, ev); outcome != anonymize.NoKey {
			return outcome, nil
		}
	}
	n := &node{cfg: t.cfg, clock: &t.clock}
	make, err := n.anonymizer(keys.Ephemeral(&t.clock), t.watched)
	if err != nil {
		return 0, err
	}
	if t.anon, err = make(ingest.Feed{Site: t.site}); err != nil {
		return 0, err
	}
	return t.anon.Anonymize(rec, ev), nil
}

func (c anonymizeCommand) lines(lr *lineReader, anon *anyTime, out *bufio.Writer, stderr io.Writer) (refused int, err error) {
	var rec accesslog.Record
	var ev throng.Event
	for n := 1; ; n++ {
		line, pos, err := lr.next()
		if errors.Is(err, io.EOF) {
			return refused, nil
		}
		if err != nil {
			return refused, err
		}
		reject := lr.parser.Parse(line, &rec)
		if errors.Is(reject, accesslog.Directive) {
			continue
		}
		if reject != nil {
			refused++
			fmt.Fprintf(stderr, "line %d (byte %d): %v at column %d\n", n, pos, reject, lr.parser.RejectOffset()+1)
			continue
		}
		outcome, err := anon.anonymize(&rec, &ev)
		if err != nil {
			return refused, err
		}
		if outcome != anonymize.Accepted {
			refused++
			fmt.Fprintf(stderr, "line %d (byte %d): %v\n", n, pos, outcome)
			continue
		}
		if err := c.show(out, &ev); err != nil {
			return refused, err
		}
	}
}

// show writes an event, with its token at the end where that is wanted.
func (c anonymizeCommand) show(out *bufio.Writer, ev *throng.Event) error {
	b, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	if c.Unit {
		b = fmt.Appendf(b[:len(b)-1], `,"unit":"%016x"}`, uint64(ev.Unit))
	}
	_, err = out.Write(append(b, '\n'))
	return err
}
