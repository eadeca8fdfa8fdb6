package dashboards

import (
	"math"
	"strconv"
	"strings"

	"throng"
)

// chart is a picture of one or more series over time with their 95 % bands, and what a script needs to
// draw it with a cursor. The page that shows it has the same numbers as a table.
type chart struct {
	ID, Title string
	// Says is the chart in a sentence, for those who do not see it.
	Says    string
	Percent bool
	Periods []throng.Period
	Series  []series
	Marks   []placedMark
	// Alone says that no other table of the page has the chart's numbers, so that the chart brings its own.
	Alone bool
}

// series has a point for each period of its chart.
type series struct {
	Name   string
	Points []point
}

// point is a value with its interval; OK is false where there is none.
type point struct {
	Value, Low, High float64
	OK               bool
}

func pointOf(m throng.Measure) point {
	e, ok := m.Estimate()
	return point{float64(e.Value), float64(e.Low), float64(e.High), ok}
}

func (s share) point() point { return point(s) }

// placedMark is a mark at a place of a chart, called by a letter.
type placedMark struct {
	Mark
	Letter string
	at     throng.Day
}

// At is the first day of the period in which the mark is, counted as in [chart.Data].
func (m placedMark) At() int { return int(m.at) }

// Empty tells whether there is too little to draw: a line needs two points.
func (c *chart) Empty() bool {
	for _, s := range c.Series {
		n := 0
		for _, p := range s.Points {
			if p.OK {
				n++
			}
		}
		if n > 1 {
			return false
		}
	}
	return true
}

// text writes a value of the chart.
func (c *chart) text(v float64) string {
	if c.Percent {
		return percent(v)
	}
	return count(int64(math.Round(v)))
}

// Rows are the numbers of a chart of counts, the latest first.
func (c *chart) Rows() []chartRow {
	var rows []chartRow
	for i := len(c.Periods) - 1; i >= 0; i-- {
		row := chartRow{Period: c.Periods[i]}
		for _, s := range c.Series {
			row.Cells = append(row.Cells, s.Points[i].cell())
		}
		rows = append(rows, row)
	}
	return rows
}

// chartRow is a period with a cell for each series.
type chartRow struct {
	Period throng.Period
	Cells  []cell
}

// cell is a count as a table has it.
func (p point) cell() cell {
	if !p.OK {
		return cell{Reason: throng.BelowGate}
	}
	return cellOf(throng.Published(throng.Estimate{Value: int64(p.Value), Low: int64(p.Low), High: int64(p.High)}))
}

// tick writes a value of the scale, as short as can be.
func (c *chart) tick(v float64) string {
	if c.Percent {
		return strconv.FormatFloat(100*v, 'f', -1, 64) + thin + "%"
	}
	if v >= 1_000_000 {
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + thin + "M"
	}
	return count(int64(v))
}

// Data is the chart for the script, in few bytes: for each series, parted by "|", its points, parted by
// blanks: DAY:VALUE,LOW,HIGH, with the day counted from 1 January 1970, or DAY: where there is no number.
func (c *chart) Data() string {
	var all []string
	for _, s := range c.Series {
		var points []string
		for i, p := range s.Points {
			at := strconv.Itoa(int(c.Periods[i].First())) + ":"
			if p.OK {
				at += c.exact(p.Value) + "," + c.exact(p.Low) + "," + c.exact(p.High)
			}
			points = append(points, at)
		}
		all = append(all, strings.Join(points, " "))
	}
	return strings.Join(all, "|")
}

func (c *chart) exact(v float64) string {
	if c.Percent {
		return strconv.FormatFloat(v, 'f', 5, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Drawings are the chart for wide and for narrow screens; the style sheet shows one of them.
func (c *chart) Drawings() []drawing {
	height := 240
	if c.Percent {
		height = 160 // a share has little to show
	}
	wide, narrow := c.draw(920, height, 10), c.draw(340, height-30, 4)
	wide.Class, narrow.Class = "wide", "narrow"
	narrow.Dots = nil // there is no pointer to hover with
	return []drawing{wide, narrow}
}

// drawing is a chart in the units of its picture.
type drawing struct {
	Class                    string
	Width, Height            int
	Left, Right, Top, Bottom float64 // edges of the plot
	Grid, Ticks              []label
	Bands, Lines             []stroke
	Dots                     []dot
	Marks                    []label
}

type label struct {
	At   float64
	Text string
}

// stroke is a path of the series with that number, from 1.
type stroke struct {
	Series int
	D      string
}

type dot struct {
	Series int
	X, Y   float64
	Title  string
}

func (c *chart) draw(width, height, labels int) drawing {
	d := drawing{Width: width, Height: height, Left: 62, Right: float64(width) - 10, Top: 18, Bottom: float64(height) - 26}
	step, top := niceScale(c.highest())
	y := func(v float64) float64 { return round(d.Bottom - (d.Bottom-d.Top)*v/top) }
	for v := 0.0; v <= top*1.0001; v += step {
		d.Grid = append(d.Grid, label{y(v), c.tick(round9(v))})
	}
	x := c.scale(&d)
	for i := len(c.Periods) - 1; i >= 0; i -= c.every(labels) {
		d.Ticks = append(d.Ticks, label{x(c.Periods[i].First()), shortPeriod(c.Periods[i])})
	}
	for i, s := range c.Series {
		c.trace(&d, i+1, s, x, y)
	}
	for _, m := range c.Marks {
		d.Marks = append(d.Marks, label{x(m.at), m.Letter})
	}
	return d
}

func (c *chart) scale(d *drawing) func(throng.Day) float64 {
	first, last := c.Periods[0].First(), c.Periods[len(c.Periods)-1].First()
	return func(day throng.Day) float64 {
		if first == last {
			return round((d.Left + d.Right) / 2)
		}
		return round(d.Left + 8 + (d.Right-d.Left-16)*float64(day-first)/float64(last-first))
	}
}

// trace draws one series: a line and its band for each run of periods with a number.
func (c *chart) trace(d *drawing, number int, s series, x func(throng.Day) float64, y func(float64) float64) {
	var line, upper, lower []string
	finish := func() {
		if len(line) > 0 {
			d.Lines = append(d.Lines, stroke{number, "M" + strings.Join(line, "L")})
			d.Bands = append(d.Bands, stroke{number, "M" + strings.Join(upper, "L") + "L" + strings.Join(reversed(lower), "L") + "Z"})
		}
		line, upper, lower = nil, nil, nil
	}
	for i, p := range s.Points {
		if !p.OK {
			finish()
			continue
		}
		at := x(c.Periods[i].First())
		line, upper, lower = append(line, pair(at, y(p.Value))), append(upper, pair(at, y(p.High))), append(lower, pair(at, y(max(p.Low, 0))))
		d.Dots = append(d.Dots, dot{number, at, y(p.Value),
			namedPeriod(c.Periods[i]) + ": " + c.text(p.Value) + " (" + c.text(p.Low) + enDash + c.text(p.High) + ")"})
	}
	finish()
}

func (c *chart) highest() float64 {
	most := 0.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			if p.OK {
				most = max(most, p.High)
			}
		}
	}
	return most
}

// every is the number of periods from one label to the next, whole weeks for days.
func (c *chart) every(labels int) int {
	n := max((len(c.Periods)+labels-1)/labels, 1)
	if c.Periods[0].Kind() == throng.DayPeriod && n > 1 {
		n = (n + 6) / 7 * 7
	}
	return n
}

// niceScale is a scale from 0 with three to six steps of 1, 2 or 5 times a power of ten.
func niceScale(most float64) (step, top float64) {
	if most <= 0 {
		return 1, 1
	}
	step = math.Pow(10, math.Floor(math.Log10(most/3)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if most/(step*factor) <= 5 {
			step *= factor
			break
		}
	}
	return step, math.Ceil(most/step) * step
}

func shortPeriod(p throng.Period) string {
	if p.Kind() == throng.MonthPeriod {
		return p.First().Start().Format("Jan 06")
	}
	return p.First().Start().Format("2 Jan")
}

func pair(x, y float64) string { return decimals(x) + "," + decimals(y) }

func decimals(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func round(x float64) float64 { return math.Round(x*10) / 10 }

// round9 takes the traces of repeated addition off a step of a scale.
func round9(x float64) float64 { return math.Round(x*1e9) / 1e9 }

func reversed(s []string) []string {
	out := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		out = append(out, s[i])
	}
	return out
}

// placeMarks finds the marks of a site within the periods of a chart.
func placeMarks(marks []Mark, periods []throng.Period) []placedMark {
	var placed []placedMark
	for _, m := range marks {
		for _, p := range periods {
			if p.First() <= m.Day && m.Day <= p.Last() {
				placed = append(placed, placedMark{m, string(rune('A' + len(placed)%26)), p.First()})
				break
			}
		}
	}
	return placed
}

// marksIn are the marks of a period as sentences.
func (s *site) marksIn(p throng.Period) []string {
	var out []string
	for _, m := range s.Marks {
		if p.First() <= m.Day && m.Day <= p.Last() {
			out = append(out, m.Day.Start().Format("2 January 2006")+": "+m.Text)
		}
	}
	return out
}
