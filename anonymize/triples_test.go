package anonymize_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wordLists are those of Debian's packages wamerican, wdutch, wfrench, wngerman, witalian, wpolish,
// wportuguese, wspanish and wswedish.
var wordLists = []string{"american-english", "dutch", "french", "ngerman", "italian", "polish", "portuguese", "spanish", "swedish"}

// tripleLevels are the shares of a language's triples under each of which one is a level more unusual.
var tripleLevels = []float64{2e-4, 6e-5, 2e-5, 5e-6}

// withoutAccents writes letters as titles in paths do.
var withoutAccents = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l",
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ą", "a", "ç", "c", "ć", "c", "é", "e", "è", "e", "ê", "e", "ë", "e", "ę", "e",
	"í", "i", "ì", "i", "î", "i", "ï", "i", "ñ", "n", "ń", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ö", "o", "ś", "s",
	"ú", "u", "ù", "u", "û", "u", "ü", "u", "ź", "z", "ż", "z")

// deriveTriples writes, for each two letters, the level of each third one: the lowest that it has in any
// language.
func deriveTriples(t testing.TB) (lines []string) {
	if !*update {
		t.Skip("seven million words are read with -update only")
	}
	var levels [26 * 26 * 26]int
	for i := range levels {
		levels[i] = len(tripleLevels)
	}
	for _, list := range wordLists {
		counts, total := countTriples(t, list)
		for i, n := range counts {
			level := 0
			for level < len(tripleLevels) && float64(n) < tripleLevels[level]*float64(total) {
				level++
			}
			levels[i] = min(levels[i], level)
		}
	}
	for pair := range 26 * 26 {
		line := []byte{'a' + byte(pair/26), 'a' + byte(pair%26), ' '}
		for third := range 26 {
			line = append(line, '0'+byte(levels[26*pair+third]))
		}
		lines = append(lines, string(line))
	}
	return lines
}

func countTriples(t testing.TB, list string) (counts [26 * 26 * 26]int, total int) {
	text, err := os.ReadFile(filepath.Join("/usr/share/dict", list))
	if os.IsNotExist(err) {
		t.Skipf("the word list is not here: %s", list)
	}
	if err != nil {
		t.Fatal(err)
	}
	for word := range bytes.Lines(bytes.ToLower(text)) {
		word = bytes.TrimSpace(word)
		if bytes.ContainsFunc(word, isNoLetter) {
			word = []byte(withoutAccents.Replace(string(word)))
		}
		if bytes.ContainsFunc(word, isNoLetter) {
			continue
		}
		for i := range len(word) - 2 {
			counts[(int(word[i]-'a')*26+int(word[i+1]-'a'))*26+int(word[i+2]-'a')]++
			total++
		}
	}
	return counts, total
}

func isNoLetter(r rune) bool { return r < 'a' || r > 'z' }
