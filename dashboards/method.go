package dashboards

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"

	"throng"
)

// methodView is the method page's data: the running parameters and what follows from them.
type methodView struct {
	Method
	Passing     passing
	Draws       []drawView
	Rho         float64
	Composition []throng.Composition
	Units       []unitEpsilon
	// SharedEpsilon is the ε of one of several people who appear as one device. Without that person the
	// bound may choose L0 other cells, so that twice as many change as hold a contribution.
	SharedEpsilon float64
	Retention     []retentionView
	Sites         []*site
	// Own are the parameters of sites that have others.
	Own []throng.SiteParameters
	// Tokens is how long unit tokens are kept.
	Tokens        string
	MaxPathBytes  int
	ReleaseFormat string
}

type drawView struct {
	throng.DrawParameters
	Name   string
	Errors [2]drawError
}

// drawError is the standard error relative to a count.
type drawError struct {
	At    int64
	Share float64
}

// unitEpsilon is the ε of one person who appears as Units devices.
type unitEpsilon struct {
	Units   int
	Epsilon float64
}

type retentionView struct {
	RetentionClass
	What string
}

var drawNames = map[throng.Draw]string{
	throng.DrawDevices:        "Devices: the gate, and the published device count",
	throng.DrawVisits:         "Visits",
	throng.DrawOptedOutGates:  "Gates of the opted-out column: opted-out and remaining devices",
	throng.DrawOptedOutVisits: "Opted-out visits",
	throng.DrawRemainingGates: "Gate of what remains of a group out of which a span takes rows",
	throng.DrawClipped:        "Devices whose contribution was cut",
	throng.DrawBots:           "Bots and readers: the gates of the share of bots",
}

var classNames = map[throng.Class]string{
	throng.ClassOptedOut:    "Anonymized events of visitors who opted out",
	throng.ClassStandard:    "Anonymized events of all others",
	throng.ClassOpenUnits:   "Device tokens of days that are not closed",
	throng.ClassFoldedUnits: "Device tokens of visits that closed days could not show, until their span is closed",
	throng.ClassEventsTopic: "Blocks of anonymized events on their way through the broker",
}

func newMethodView(m Method, sites []*site) methodView {
	v := methodView{Method: m, Own: own(m.Parameters, sites), Passing: passingOf(m.Parameters), Rho: rho(m.Parameters), Sites: sites, MaxPathBytes: throng.MaxPathBytes, ReleaseFormat: throng.ReleaseFormat}
	for _, d := range m.Parameters.Draws {
		view := drawView{DrawParameters: d, Name: or(drawNames[d.Draw], string(d.Draw))}
		for i, at := range []int64{5_000, 50_000} {
			view.Errors[i] = drawError{at, d.Sigma / float64(at)}
		}
		v.Draws = append(v.Draws, view)
	}
	for _, c := range m.Retention {
		v.Retention = append(v.Retention, retentionView{c, or(classNames[c.Class], string(c.Class))})
		if c.Class == throng.ClassOpenUnits {
			v.Tokens = duration(c.Keep)
		}
	}
	v.compose(m.Parameters)
	return v
}

// own are the parameters of sites that have others than the method.
func own(p throng.Parameters, sites []*site) (all []throng.SiteParameters) {
	for _, s := range sites {
		if !reflect.DeepEqual(s.Parameters, p) {
			all = append(all, throng.SiteParameters{Site: s.ID, Parameters: s.Parameters})
		}
	}
	slices.SortFunc(all, func(a, b throng.SiteParameters) int { return strings.Compare(a.Site, b.Site) })
	return all
}

// compose adds up what a device loses: over one day, over a month of days, and over that month with
// its four spans, which are periods of their own.
func (v *methodView) compose(p throng.Parameters) {
	for _, c := range []throng.Composition{
		{Over: "one day", Periods: 1},
		{Over: "a month of 31 days", Periods: 31},
		{Over: "a month of 31 days and its four spans", Periods: 35},
	} {
		n := float64(c.Periods)
		c.Rho = n * v.Rho
		c.Epsilon = epsilonZCDP(c.Rho, p.NoiseDelta)
		c.Delta = p.NoiseDelta + n*p.ThresholdDelta
		v.Composition = append(v.Composition, c)
	}
	v.SharedEpsilon = epsilonGaussian(2*v.Rho, p.NoiseDelta)
	for _, units := range []int{2, 3, 5} {
		rho := float64(units*units) * v.Rho
		v.Units = append(v.Units, unitEpsilon{units, epsilonGaussian(rho, p.NoiseDelta)})
	}
}

type methodPage struct {
	frame
	methodView
	// Current is the version of the method that was recorded last; nil where none is kept or readable.
	Current *versionView
	// SigmaOne is σ₁, the noise of one draw at sensitivity 1.
	SigmaOne float64
}

func (h *Handler) methodPage(ctx context.Context, f frame) (*methodPage, error) {
	v := &methodPage{frame: f, methodView: h.method}
	if d, ok := h.method.Parameters.Draw(throng.DrawDevices); ok {
		v.SigmaOne = d.Sigma / (float64(d.Linf) * math.Sqrt(float64(d.PassedL0)))
	}
	history, err := h.methodHistory(ctx)
	if err == nil && history != nil {
		if list := history.views(); len(list) > 0 {
			v.Current = &list[0]
		}
	}
	return v, err
}
