package whereby_test

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
)

func TestSpendingIsOfTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := budget(t, 0.5)
		for i := range 3 {
			if err := budget.Wait(t.Context(), whereby.Priority(i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
		}
		for _, want := range []int{3, 2, 1, 0} {
			if got := budget.Spending(); got != (whereby.Spending{Spent: want, Allowed: 50}) {
				t.Errorf("after a while %+v; want %d of 50", got, want)
			}
			time.Sleep(20 * time.Second)
		}
	})
}
