package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"throng/anonymize/keys"
	"throng/internal/durable"
)

// advanceEvery is how often the ratchet is advanced; it is cheap.
const advanceEvery = time.Minute

// advance keeps the ratchet at the clock's time until the context ends.
func (n *node) advance(r *keys.Ratchet) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := r.Advance(n.clock.Now()); err != nil {
				return err
			}
			t := n.clock.NewTimer(advanceEvery)
			select {
			case <-ctx.Done():
				t.Stop()
				return nil
			case <-t.C:
			}
		}
	}
}

type keysCommand struct {
	Init   keysInit   `cmd:"" help:"Make the epoch keys of a new state directory, or take them over from an export."`
	Export keysExport `cmd:"" help:"Write the current key for another machine that ships logs. It is a secret with an expiry."`
	Status keysStatus `cmd:"" help:"Say which keys are held, and until when."`
}

func (keysCommand) Help() string {
	return "Every machine that ships the same site's logs needs the same keys.\n\n" +
		"Example:\n  throng keys export --dir /var/lib/throng | ssh web2 throng keys init --import - --dir /var/lib/throng"
}

type keysInit struct {
	Dir    string `required:"" placeholder:"D" help:"The state directory."`
	Import string `placeholder:"F" help:"Take over an export; - reads standard input."`
}

func (c keysInit) Run(a *app) error {
	d := layout(c.Dir)
	if err := d.create(); err != nil {
		return err
	}
	if c.Import == "" {
		return keys.Init(d.keys(), a.clock.Now())
	}
	data, err := readAll(c.Import, a.in)
	if err != nil {
		return fmt.Errorf("import keys: %w", err)
	}
	if err := keys.Import(d.keys(), data, a.clock.Now()); err != nil || c.Import == "-" {
		return err
	}
	expires, err := keys.ExpiryOf(data)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "throng: %s is a secret still; destroy it, or retention does when it expires, at %s\n", c.Import, expires.Format(time.RFC3339))
	return keys.Note(d.exports(), keys.Copy{Path: c.Import, Noted: a.clock.Now().UTC(), Expires: expires})
}

// readAll reads a file, or in for "-".
func readAll(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}

type keysExport struct {
	located
	ValidFor time.Duration `default:"1h" help:"How long the export can be imported; it never outlives its span."`
	Out      string        `placeholder:"F" help:"Write a file, which retention overwrites and removes when it expires, instead of standard output, where nothing can follow it."`
}

func (c keysExport) Run(a *app) error {
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.Out); c.Out != "" && err == nil {
		return fmt.Errorf("export keys: %s exists: remove it if nobody needs it any more, or name another file", c.Out)
	}
	return c.with(a, func(r *keys.Ratchet) error {
		data, expires, err := r.Export(c.ValidFor)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.err, "throng: this export is a secret; import it before %s, then destroy it\n", expires.Format(time.RFC3339))
		if err := keys.Note(d.exports(), keys.Copy{Path: c.Out, Noted: a.clock.Now().UTC(), Expires: expires}); err != nil {
			return err
		}
		if c.Out != "" {
			return durable.WriteOnce(c.Out, data)
		}
		_, err = a.out.Write(data)
		return err
	})
}

// with opens the ratchet for one call.
func (l located) with(a *app, use func(*keys.Ratchet) error) error {
	d, err := l.layout(a)
	if err != nil {
		return err
	}
	r, err := keys.Open(d.keys(), a.clock)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no key yet; `throng ship` and `throng serve` make one at their first start, or `throng keys init`", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(use(r), r.Close())
}

type keysStatus struct {
	located
	JSON bool `help:"Write JSON."`
}

func (c keysStatus) Run(a *app) error {
	return c.with(a, func(r *keys.Ratchet) error {
		s := r.Status()
		if c.JSON {
			return json.NewEncoder(a.out).Encode(map[string]any{
				"current": s.Current.String(), "ends": s.Next, "previous_held": s.Previous, "erase_previous_by": s.EraseBy,
			})
		}
		fmt.Fprintf(a.out, "current span   %s, until %s\n", s.Current, s.Next.Format(time.RFC3339))
		if s.Previous {
			fmt.Fprintf(a.out, "previous span  held until %s, then overwritten\n", s.EraseBy.Format(time.RFC3339))
		} else {
			fmt.Fprintln(a.out, "previous span  overwritten")
		}
		return nil
	})
}
