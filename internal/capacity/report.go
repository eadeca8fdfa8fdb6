package capacity

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report writes a plan for people, and what simulated days say to it.
func (p Plan) Report(w io.Writer, days map[Incident]Day) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	calm := days[Undisturbed]
	fmt.Fprintf(t, "%s lines a second in the mean of a day, %s in the busiest hour\n\n", grouped(p.LinesPerSecond), grouped(p.LinesPerSecond*p.Peak))
	fmt.Fprintf(t, "  ships\t%d\t%.2f cores in the busiest hour; simulated, %.0f %% of two each\n", p.Ships, p.ShipCores, 100*calm.ShipUse)
	fmt.Fprintf(t, "  brokers\t%d\t%s a day, %s at most, %d copies; simulated, %.0f %% of 100 MB/s\n",
		p.Brokers, disk(p.BrokerDay), disk(p.BrokerDisk), brokerCopies, 100*calm.BrokerUse)
	fmt.Fprintf(t, "  partitions\t%d\tbroker.partitions, from the next day's topic on\n", p.Partitions)
	fmt.Fprintf(t, "  loaders\t%d\t%.2f cores in the busiest hour\n", p.Loaders, p.LoadCores)
	fmt.Fprintf(t, "  shards\t%d\tof %d cores; simulated, %.1f %% of them in the busiest hour, %s parts at most\n",
		p.Shards, shardCores, 100*calm.StoreUse, grouped(float64(calm.Parts)))
	fmt.Fprintf(t, "  store\t\t%s a day, %s at most, %d copies\n", disk(p.StoreDay), disk(p.StoreDisk), storeCopies)
	fmt.Fprintf(t, "  close\t1\t%.1f CPU-h a day\n\n", p.Close.Hours())
	fmt.Fprintf(t, "From a line's writing to the store, in a simulated day with a fault in its busiest hour:\n\n")
	fmt.Fprintf(t, "  away for %s\thalf within\t99 %% within\tall within\tcaught up after\n", duration(p.Outage))
	for _, i := range Incidents() {
		d := days[i]
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", i, duration(d.P50), duration(d.P99), duration(d.Max), duration(d.CaughtUp))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return p.warn(w, calm)
}

// warn says what the plan asks for beyond machines, and what it cannot promise.
func (p Plan) warn(w io.Writer, calm Day) error {
	var notes []string
	if p.Merge {
		notes = append(notes, "Parts are merged up to 1 GB. Say so to each shard's tables events and open_units, after throng migrate:\n"+
			"  ALTER TABLE events MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1000000000\n"+
			"  ALTER TABLE open_units MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1000000000")
	} else if less := (Demand{LinesPerSecond: p.LinesPerSecond, Peak: p.Peak, Ships: p.Ships, Merge: true}).plan(); less.Shards < p.Shards {
		notes = append(notes, fmt.Sprintf("Shards are needed for the number of parts, not for their cores: with --merge there are %d.", less.Shards))
	}
	if visits := p.LinesPerSecond * 86400 * visitsPerLine; visits > closeVisits {
		notes = append(notes, fmt.Sprintf("A close of %s visits was not measured; 50 million were.", grouped(visits)))
	}
	if calm.Refused > 0 {
		notes = append(notes, "The store refuses inserts in the simulation: too many parts.")
	}
	if len(notes) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(notes, "\n"))
	return err
}

func duration(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f min", d.Minutes())
}

func disk(bytes float64) string {
	if bytes >= 1e12 {
		return fmt.Sprintf("%.1f TB", bytes/1e12)
	}
	return fmt.Sprintf("%.1f GB", bytes/1e9)
}

// grouped writes a whole number with commas between thousands.
func grouped(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
