package app

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/common/model"
)

// lower is a text of which case does not matter: --log.level=INFO is as good as info.
type lower string

// UnmarshalText implements [encoding.TextUnmarshaler], which Kong asks for.
func (l *lower) UnmarshalText(text []byte) error {
	*l = lower(strings.ToLower(string(text)))
	return nil
}

// decodeDuration takes durations as Prometheus writes them, such as 1d, and as Go does,
// such as 1.5h.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		days, other := model.ParseDuration(text)
		if other != nil {
			return fmt.Errorf("must be a duration such as 90s or 1d, but is %q", text)
		}
		d = time.Duration(days)
	}
	target.SetInt(int64(d))
	return nil
}

// unsetEmptyVariables has Kong pass over environment variables that are set to nothing, as
// a Compose file does with those that its user left out. A flag can still be set to
// nothing, which for some has a meaning.
func unsetEmptyVariables(model *kong.Application) {
	for _, flag := range allFlags(model) {
		flag.Tag.Envs = slices.DeleteFunc(slices.Clone(flag.Tag.Envs), func(name string) bool {
			value, ok := os.LookupEnv(name)
			return ok && value == ""
		})
	}
}
