package anonymize

import (
	_ "embed" // the list
	"strings"
)

// tripleList says how unusual three letters in a row are: see lists/README.md.
//
//go:embed lists/triples.txt
var tripleList string

// triples is 0 for three letters that are common in some language to 4 for those that occur in none, at
// (26 first + second) 26 + third.
var triples = readTriples(tripleList)

func readTriples(list string) (t [26 * 26 * 26]uint8) {
	for line := range strings.Lines(list) {
		pair, levels, _ := strings.Cut(strings.TrimSpace(line), " ")
		for i, level := range levels {
			t[triple(pair[0]-'a', pair[1]-'a', byte(i))] = uint8(level - '0')
		}
	}
	return t
}

func triple(a, b, c byte) int { return (int(a)*26+int(b))*26 + int(c) }

// The score of a word is the sum of its triples' levels, switchScore wherever letter and digit meet, and, where
// it has both, digitScore for each digit over maxDigits and hexScore if it is hexadecimal. TestScoreOfTokens prints what that finds and what it takes
// for a token by mistake.
const (
	switchScore = 3
	hexScore    = 4
	digitScore  = 2
	maxDigits   = 5
	// A word of at least minWord letters and digits with a score of minWordScore is a token; so is a
	// segment whose words have minSegmentScore together, and one for every two characters.
	minWord, minWordScore = 7, 10
	minSegmentScore       = 16
)

// isToken finds text that nobody would write: random letters, or letters and digits in turn, in any
// alphabet that tokens are written in. It takes no notice of case.
func isToken(s []byte) bool {
	total, characters := 0, 0
	for len(s) > 0 {
		n := wordLength(s)
		score := wordScore(s[:n])
		if n >= minWord && score >= minWordScore {
			return true
		}
		total, characters = total+score, characters+n
		s = s[min(n+1, len(s)):]
	}
	return total >= minSegmentScore && 2*total >= characters
}

// wordLength counts the letters and digits at the beginning of s.
func wordLength(s []byte) int {
	for i, c := range s {
		if !isLetter(c) && !isDigit(c) {
			return i
		}
	}
	return len(s)
}

func wordScore(word []byte) int {
	score, run, switches, digits, hex := 0, 0, 0, 0, true
	for i, c := range word {
		hex = hex && isHex(c)
		if isDigit(c) {
			digits++
		}
		if i > 0 && isDigit(c) != isDigit(word[i-1]) {
			switches++
			run = 0
		}
		run++
		if run >= 3 && !isDigit(c) {
			score += int(triples[triple(word[i-2]|0x20-'a', word[i-1]|0x20-'a', c|0x20-'a')])
		}
	}
	if hex && switches > 0 && len(word) > minWord {
		score += hexScore
	}
	if switches > 0 {
		score += digitScore * max(digits-maxDigits, 0)
	}
	return score + switchScore*switches
}
