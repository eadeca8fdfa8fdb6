package main

import (
	"throng/anonymize"
	"throng/anonymize/country"
	"throng/anonymize/optout"
)

// watched are the files that anonymizers look into and that may change while they run.
type watched struct {
	optOut    *optout.Live
	countries *country.Live
}

// openWatched reads the opt-out list and the country database, as far as they are configured.
func (n *node) openWatched() (w watched, err error) {
	o := n.cfg.OptOut
	w.optOut, err = optout.Open(optout.LiveOptions{
		Files: n.dir.optOut(o), Required: o.ListFile != "", Clock: n.clock, Logger: n.log, Every: o.CheckEvery.Std(),
	})
	if c := n.cfg.Country; err == nil && c.DatabaseFile != "" {
		w.countries, err = country.Open(country.Options{Path: c.DatabaseFile, Clock: n.clock, Logger: n.log, Every: c.CheckEvery.Std()})
	}
	return w, err
}

// into lets an anonymizer look into the files that are there.
func (w watched) into(o *anonymize.Options) {
	if w.optOut != nil {
		o.OptOut = w.optOut
	}
	if w.countries != nil {
		o.Countries = w.countries
	}
}

// stages keep what was opened up to date.
func (w watched) stages() []stage {
	var stages []stage
	if w.optOut != nil {
		stages = append(stages, stage{"opt-out list", w.optOut.Run})
	}
	if w.countries != nil {
		stages = append(stages, stage{"country database", w.countries.Run})
	}
	return stages
}
