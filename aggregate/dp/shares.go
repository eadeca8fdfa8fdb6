package dp

import (
	"errors"
	"fmt"
	"slices"

	"throng"
)

// share is one line of the table of method section 6. Weights are in hundred-thousandths, so that
// they sum exactly, also where further tables take their part.
type share struct {
	draw   throng.Draw
	weight int64
	l0     int64
	linf   int64
	draws  int64
	gate   bool
}

const whole = 100_000

// A device is in at most L0 cells at each of the four levels of the path tree, hence four draws of its
// count; it is opted out or it is not, hence two for the two levels of the opted-out column.
var dayShares = []share{
	{throng.DrawDevices, 50_000, throng.MaxLeafKeys, 1, 4, true},
	{throng.DrawVisits, 27_000, throng.MaxLeafKeys, throng.MaxVisitsPerCell, 1, false},
	{throng.DrawOptedOutGates, 12_000, throng.MaxLeafKeys, 1, 2, true},
	{throng.DrawOptedOutVisits, 10_000, throng.MaxLeafKeys, throng.MaxVisitsPerCell, 1, false},
	{throng.DrawClipped, 400, 1, 1, 1, true},
	{throng.DrawBots, 600, 2, 1, 1, true}, // one token can be that of a reader and of a bot
}

// A span has no opted-out column of its own: the days' columns hold the visits of their groups. The
// share goes to what keeps a group at k when rows are taken out of it. It knows no bots: they are in no
// group, so that their tokens go with their day.
var spanShares = []share{
	{throng.DrawDevices, 55_000, throng.MaxLeafKeys, 1, 4, true},
	{throng.DrawVisits, 30_000, throng.MaxLeafKeys, throng.MaxVisitsPerCell, 1, false},
	{throng.DrawRemainingGates, 14_000, throng.MaxLeafKeys, 1, 1, true},
	{throng.DrawClipped, 1_000, 1, 1, 1, true},
}

// furtherL0 is the number of keys of a further table that a device counts in: its client, system and
// country are part of what a device is.
var furtherL0 = map[string]int64{
	throng.ClientTable: 1, throng.CountryTable: 1, throng.OSTable: 1,
	throng.StatusTable: 2, throng.ReferrerTable: 4, throng.HourTable: 6,
}

// Each further table takes furtherDevices and furtherVisits out of the path table's share.
const (
	furtherDevices = 5_000
	furtherVisits  = 3_000
	further        = furtherDevices + furtherVisits
)

// allShares divides the budget of a period among its tables, which are sorted.
func allShares(kind throng.PeriodKind, tables []string) (map[string][]share, error) {
	if !slices.IsSorted(tables) || !slices.Contains(tables, throng.PathTable) {
		return nil, fmt.Errorf("tables %v: want %s among them, in order", tables, throng.PathTable)
	}
	others := slices.DeleteFunc(slices.Clone(tables), func(t string) bool { return t == throng.PathTable })
	if err := throng.CheckTables(others); err != nil {
		return nil, err
	}
	switch {
	case kind == throng.DayPeriod:
	case kind == throng.SpanPeriod && len(others) == 0:
		return map[string][]share{throng.PathTable: spanShares}, nil
	default:
		return nil, errors.New("only days, and spans of the path table, are drawn")
	}
	all := map[string][]share{}
	for _, s := range dayShares {
		s.weight = s.weight * (whole - further*int64(len(others))) / whole
		all[throng.PathTable] = append(all[throng.PathTable], s)
	}
	for _, t := range others {
		all[t] = []share{
			{throng.DrawDevices, furtherDevices, furtherL0[t], 1, 2, true}, // a key and the group
			{throng.DrawVisits, furtherVisits, furtherL0[t], throng.MaxVisitsPerCell, 1, false},
		}
	}
	return all, nil
}

// gates is the number of gate draws that one device can enter.
func gates(all map[string][]share) (n int64) {
	for _, shares := range all {
		for _, s := range shares {
			if s.gate {
				n += s.l0 * s.draws
			}
		}
	}
	return n
}
