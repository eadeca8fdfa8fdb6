package accesslog

import (
	"math/bits"
	"strings"
)

// clock reads the part of a line that strftime wrote by a pattern. Neighbouring lines mostly have the
// same text, so the last one is remembered: a clock belongs to one parser.
type clock struct {
	pattern []byte // directives, each with the top bit set, and the text between them
	has     directives
	text    []byte
	last    calendar
}

// directives are a set of those of strftime.
type directives uint32

// The directives that say something of a time; "s" is seconds since the epoch.
const strftimeLetters = "YymdeHklMSbBhjIpzZsaAuwnt%"

func directive(letter byte) directives { return 1 << strings.IndexByte(strftimeLetters, letter) }

// composites are directives that stand for several.
var composites = strings.NewReplacer("%%", "%%", "%T", "%H:%M:%S", "%D", "%m/%d/%y", "%F", "%Y-%m-%d", "%R", "%H:%M", "%r", "%I:%M:%S %p",
	"%c", "%a %b %e %H:%M:%S %Y", "%x", "%m/%d/%y", "%X", "%H:%M:%S")

// newClock compiles a pattern in the language of C's strftime, in the C locale; column is where it
// begins in the format.
func newClock(pattern string, column int) (*clock, error) {
	c := &clock{}
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			if pattern[i] > 127 {
				return nil, badFormat(column+i, "a time's pattern with bytes that are not ASCII cannot be read")
			}
			c.pattern = append(c.pattern, pattern[i])
			continue
		}
		if i++; i == len(pattern) {
			return nil, badFormat(column+i-1, "a %% without a letter at the end of a time's pattern")
		}
		whole := composites.Replace(pattern[i-1 : i+1])
		if whole == pattern[i-1:i+1] && strings.IndexByte(strftimeLetters, pattern[i]) < 0 {
			return nil, badFormat(column+i-1, "%%%c in a time's pattern cannot be read; use %%Y %%m %%d %%H %%M %%S %%z", pattern[i])
		}
		c.add(whole)
	}
	return c, nil
}

// fraction reads so many digits of a second's fraction, which is not kept.
func fraction(digits int) *clock {
	c := &clock{}
	c.add(strings.Repeat("%u", digits))
	return c
}

// add appends directives that are no composites.
func (c *clock) add(pattern string) {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '%' {
			i++
			c.has |= directive(pattern[i])
			c.pattern = append(c.pattern, pattern[i]|0x80)
			continue
		}
		c.pattern = append(c.pattern, pattern[i])
	}
}

// missing names what a time still lacks; "" is nothing.
func (d directives) missing() string {
	any := func(letters string) bool {
		for i := range len(letters) {
			if d&directive(letters[i]) != 0 {
				return true
			}
		}
		return false
	}
	switch {
	case any("s"):
		return ""
	case !any("Yy"):
		return "year (%Y)"
	case !any("j") && !any("mbBh"):
		return "month (%m or %b)"
	case !any("j") && !any("de"):
		return "day (%d)"
	case !any("Hk") && !(any("Il") && any("p")):
		return "hour (%H)"
	case !any("M"):
		return "minute (%M)"
	}
	return ""
}

// calendar is what was read of a time so far.
type calendar struct {
	year, month, day, yearDay, hour, minute, second, offset int
	afternoon                                               bool
	epoch                                                   int
	has                                                     directives
}

// read reads the beginning of b and tells how much of it is the time's; 0 is none.
func (c *clock) read(b []byte, cal *calendar) (n int) {
	if w := len(c.text); w > 0 && len(b) >= w && string(b[:w]) == string(c.text) && (len(b) == w || !isAlphanumeric(b[w])) {
		cal.merge(&c.last)
		return w
	}
	c.last = calendar{}
	for _, p := range c.pattern {
		width, ok := 1, n < len(b) && b[n] == p
		if p >= 0x80 {
			width, ok = c.last.read(p&0x7f, b[n:])
			c.last.has |= directive(p & 0x7f)
		}
		if !ok {
			c.text = c.text[:0]
			return 0
		}
		n += width
	}
	c.text = append(c.text[:0], b[:n]...)
	cal.merge(&c.last)
	return n
}

func isAlphanumeric(c byte) bool { return c|0x20-'a' < 26 || c-'0' < 10 }

// merge takes over what another part of the line said.
func (cal *calendar) merge(o *calendar) {
	if cal.has == 0 {
		*cal = *o
		return
	}
	for d := o.has; d != 0; d &= d - 1 {
		cal.take(strftimeLetters[bits.TrailingZeros32(uint32(d))], o)
	}
	cal.has |= o.has
}

func (cal *calendar) take(letter byte, o *calendar) {
	switch letter {
	case 'Y', 'y':
		cal.year = o.year
	case 'm', 'b', 'B', 'h':
		cal.month = o.month
	case 'd', 'e':
		cal.day = o.day
	case 'j':
		cal.yearDay = o.yearDay
	case 'H', 'k', 'I', 'l':
		cal.hour = o.hour
	case 'M':
		cal.minute = o.minute
	case 'S':
		cal.second = o.second
	case 'p':
		cal.afternoon = o.afternoon
	case 'z', 'Z':
		cal.offset = o.offset
	case 's':
		cal.epoch = o.epoch
	}
}

// read reads what one directive wrote at the start of b.
func (cal *calendar) read(letter byte, b []byte) (width int, ok bool) {
	switch letter {
	case 'Y':
		return number(b, 4, 4, &cal.year)
	case 'y':
		width, ok = number(b, 2, 2, &cal.year)
		cal.year += 1900
		if cal.year < 1969 { // POSIX: 69 to 99 are of the last century
			cal.year += 100
		}
		return width, ok
	case 'm':
		return number(b, 2, 2, &cal.month)
	case 'd':
		return number(b, 2, 2, &cal.day)
	case 'e':
		return padded(b, &cal.day)
	case 'H', 'I':
		return number(b, 2, 2, &cal.hour)
	case 'k', 'l':
		return padded(b, &cal.hour)
	case 'M':
		return number(b, 2, 2, &cal.minute)
	case 'S':
		return number(b, 2, 2, &cal.second)
	case 'j':
		return number(b, 3, 3, &cal.yearDay)
	case 's':
		return number(b, 1, 11, &cal.epoch)
	case 'u', 'w':
		return number(b, 1, 1, new(int))
	}
	return cal.readText(letter, b)
}

// readText reads names, zones and blanks.
func (cal *calendar) readText(letter byte, b []byte) (width int, ok bool) {
	switch letter {
	case 'b', 'h':
		return month(b, &cal.month)
	case 'B':
		_, ok = month(b, &cal.month)
		return letters(b), ok
	case 'a':
		return 3, letters(b) >= 3
	case 'A':
		return letters(b), letters(b) > 0
	case 'p':
		cal.afternoon = len(b) > 0 && b[0]|0x20 == 'p'
		return 2, len(b) > 1 && b[1]|0x20 == 'm' && (cal.afternoon || b[0]|0x20 == 'a')
	case 'z':
		return zoneOffset(b, &cal.offset)
	case 'Z':
		if cal.has&directive('s') != 0 { // which says all
			return letters(b), letters(b) > 0
		}
		return zoneName(b)
	case 'n':
		return 1, len(b) > 0 && b[0] == '\n'
	case 't':
		return 1, len(b) > 0 && b[0] == '\t'
	}
	return 1, len(b) > 0 && b[0] == letter
}

func number(b []byte, least, most int, v *int) (width int, ok bool) {
	for width < most && width < len(b) && b[width]-'0' <= 9 {
		width++
	}
	if width < least {
		return 0, false
	}
	*v, ok = digits(b[:width])
	return width, ok
}

// padded reads one or two digits, perhaps after a space.
func padded(b []byte, v *int) (width int, ok bool) {
	if len(b) > 0 && b[0] == ' ' {
		width, ok = number(b[1:], 1, 1, v)
		return width + 1, ok
	}
	return number(b, 1, 2, v)
}

func month(b []byte, v *int) (width int, ok bool) {
	if len(b) < 3 {
		return 0, false
	}
	i := strings.Index(monthNames, string(b[:3]))
	*v = i/3 + 1
	return 3, i >= 0 && i%3 == 0
}

// letters is the number of letters at the start of b.
func letters(b []byte) (n int) {
	for n < len(b) && b[n]|0x20-'a' < 26 {
		n++
	}
	return n
}

func zoneOffset(b []byte, v *int) (width int, ok bool) {
	for _, width := range []int{6, 5, 1} {
		if len(b) < width {
			continue
		}
		if sec, ok := parseOffset(b[:width]); ok {
			*v = sec
			return width, true
		}
	}
	return 0, false
}

// zoneName accepts only names of UTC: others mean different offsets in different countries.
func zoneName(b []byte) (width int, ok bool) {
	width = letters(b)
	switch string(b[:width]) {
	case "UTC", "GMT", "UT", "Z":
		return width, true
	}
	return 0, false
}

// unix is the time that was read, in seconds since the Unix epoch. Without an offset it is UTC.
func (cal *calendar) unix() (sec int64, ok bool) {
	if cal.has&directive('s') != 0 {
		return int64(cal.epoch), true
	}
	hour := cal.hour
	if cal.has&(directive('I')|directive('l')) != 0 {
		if hour < 1 || hour > 12 {
			return 0, false
		}
		hour %= 12
		if cal.afternoon {
			hour += 12
		}
	}
	if hour > 23 || cal.minute > 59 || cal.second > 60 {
		return 0, false
	}
	of := hour*3600 + cal.minute*60 + cal.second - cal.offset
	if cal.has&directive('j') != 0 && cal.day == 0 {
		leap := cal.year%4 == 0 && (cal.year%100 != 0 || cal.year%400 == 0)
		if cal.yearDay < 1 || cal.yearDay > 366 || cal.yearDay == 366 && !leap {
			return 0, false
		}
		return unixTime(cal.year, 1, 1, of+(cal.yearDay-1)*86400)
	}
	return unixTime(cal.year, cal.month, cal.day, of)
}
