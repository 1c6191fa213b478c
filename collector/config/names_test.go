package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesInEveryScript gives each as the name of a customer.
func TestNamesInEveryScript(t *testing.T) {
	for name, s := range map[string]string{
		"Persian, with a non-joiner":            "شرکت نرم\u200cافزاری",
		"Sinhala, with a joiner":                "ශ්\u200dරී ලංකා",
		"Hebrew, with a mark of direction":      "חברה\u200f (בע\"מ)",
		"Arabic, with the mark of Arabic":       "شركة\u061c (1)",
		"a no-break space":                      "Acme\u00a0Inc",
		"a narrow no-break space":               "Société\u202fGénérale",
		"Japanese, with its own space":          "株式会社\u3000アクメ",
		"Khmer, with a space of no width":       "ក្រុម\u200bហ៊ុន",
		"a soft hyphen":                         "Donau\u00addampf",
		"a word joiner":                         "A\u2060B",
		"combining marks":                       "Cafe\u0301 Globex",
		"emoji of several characters":           "Family \U0001F469\u200D\U0001F467",
		"a flag of tags":                        "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F",
		"a character of no Unicode that is yet": "Acme \U0001FBFF\U0001FAFF",
		"a quote and a backslash":               `Acme "A\B" <b>`,
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, fmt.Sprintf("customers: [{room_prefix: a-, name: '%s'}]", s))
			if got := c.Customers[0].Name; got != s {
				t.Errorf("the name is %q; want %q", got, s)
			}
		})
	}
}

// TestCharactersThatNoNameMayHold gives each within a name, as an escape of YAML.
func TestCharactersThatNoNameMayHold(t *testing.T) {
	const message = "must be on one line, without control characters and without those that turn the direction of text, but holds %s; remove it"
	for _, c := range []rune{
		0, '\a', '\t', '\n', '\r', '\x1b', 0x7f, 0x85, 0x9f, 0x2028, 0x2029,
		0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff, 0xfffe, 0x1ffff,
	} {
		t.Run(fmt.Sprintf("%U", c), func(t *testing.T) {
			p := problems(t, fmt.Sprintf(`customers: [{room_prefix: a-, name: "a\U%08xb"}]`, c))
			want := "exporter.yml:1:37: customers[0].name: " + fmt.Sprintf(message, fmt.Sprintf("%U", c))
			if len(p) != 1 || p[0].String() != want {
				t.Errorf("got %v\nwant %s", p, want)
			}
		})
	}
	for _, blank := range []string{" ", `\u00a0`, `\u200d`, `\u200b \u200f`} {
		p := problems(t, `customers: [{room_prefix: a-, name: "`+blank+`"}]`)
		if len(p) != 1 || !strings.HasSuffix(p[0].Message, "must not be empty; remove the key to use the prefix as the name") {
			t.Errorf("%s: got %v", blank, p)
		}
	}
}
