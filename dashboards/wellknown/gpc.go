package wellknown

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// GPCPath is where a site says that it honours Global Privacy Control.
const GPCPath = "/.well-known/gpc.json"

// GPC is the support resource (W3C Global Privacy Control, section "GPC Support Resource").
type GPC struct {
	// Honoured says that the site abides by the signal.
	Honoured bool
	// Updated is the day on which that was last said. Required.
	Updated time.Time
}

// gpcFile is its form; pointers tell absent from false.
type gpcFile struct {
	GPC        *bool   `json:"gpc"`
	LastUpdate *string `json:"lastUpdate"`
}

func (g GPC) file() gpcFile {
	day := g.Updated.Format(time.DateOnly)
	return gpcFile{&g.Honoured, &day}
}

// readGPC reads a support resource; other members are allowed.
func readGPC(b []byte) (g GPC, err error) {
	var f gpcFile
	if err := json.Unmarshal(b, &f); err != nil {
		return g, fmt.Errorf("it is no support resource: %w", err)
	}
	if f.GPC == nil {
		return g, errors.New("gpc, true or false, is missing")
	}
	if f.LastUpdate == nil {
		return g, errors.New("lastUpdate is missing")
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if g.Updated, err = time.Parse(layout, *f.LastUpdate); err == nil {
			g.Honoured = *f.GPC
			return g, nil
		}
	}
	return g, errors.New("lastUpdate is no date or time of RFC 3339, such as 2026-01-15")
}
