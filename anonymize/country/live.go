package country

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"throng"
	"throng/internal/livefile"
)

// Options say where the database is and how it is kept up to date.
type Options struct {
	Path   string       // Required.
	Clock  throng.Clock // Required.
	Logger *slog.Logger // Required.
	// Every is the time between two looks at the file. Defaults to 1 min.
	Every time.Duration
}

// Live is the table as its file has it. Its methods may be called from anywhere.
type Live struct{ *livefile.File[Table] }

// Open reads the database. Run of what it returns reads it again whenever the file changes; as long as
// that cannot be done, the table stays what it is.
func Open(o Options) (*Live, error) {
	if o.Every <= 0 {
		o.Every = time.Minute
	}
	load := func() (*Table, error) {
		data, err := os.ReadFile(o.Path)
		if err != nil {
			return nil, err
		}
		t, err := Read(data)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", o.Path, err)
		}
		return t, nil
	}
	f, err := livefile.Open(livefile.Options[Table]{
		Name: "country database", Path: o.Path, Load: load, Clock: o.Clock, Logger: o.Logger, Every: o.Every,
	})
	if err != nil {
		return nil, err
	}
	return &Live{f}, nil
}

// Of is the country of an address; the zero value is unknown.
func (l *Live) Of(addr netip.Addr) throng.Country { return l.Value().Of(addr) }

// OfNetwork is the country of a network that is in one; the zero value is unknown, or several.
func (l *Live) OfNetwork(p netip.Prefix) throng.Country { return l.Value().OfNetwork(p) }
