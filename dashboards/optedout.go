package dashboards

import (
	"strings"

	"throng"
)

// optedOutView is a group of the opted-out column.
type optedOutView struct {
	Group        string
	Site         bool // the site's group, and not a section
	Of, OptedOut cell
	Share        float64 // of the visits in the group
}

func optedOutOf(rel *throng.Release) []optedOutView {
	var views []optedOutView
	for _, o := range rel.OptedOut {
		v := optedOutView{Group: strings.TrimSuffix(o.Group, "*"), Site: o.Group == throng.SiteGroup,
			Of: cellOf(throng.Published(o.OfVisits)), OptedOut: cellOf(o.OptedOutVisits)}
		if e, ok := o.OptedOutVisits.Estimate(); ok && o.OfVisits.Value > 0 {
			v.Share = float64(e.Value) / float64(o.OfVisits.Value)
		}
		views = append(views, v)
	}
	return views
}

// clippedOf is the share of clipped devices in percent; nil where it was not drawn.
func clippedOf(rel *throng.Release) *cell {
	if rel.ClippedPercent.Reason() == throng.NotDrawn {
		return nil
	}
	c := cellOf(rel.ClippedPercent)
	return &c
}
