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

// TestAWaitOfAWrongClock continues from a wait of a minute that was told by another clock.
func TestAWaitOfAWrongClock(t *testing.T) {
	for name, tc := range map[string]struct{ off, want time.Duration }{
		"a right clock":                {0, time.Minute},
		"one that was a little ahead":  {10 * time.Second, time.Minute},
		"one that was hours ahead":     {10 * time.Hour, time.Minute},
		"one that was years ahead":     {10 * 365 * 24 * time.Hour, time.Minute},
		"one that was a little behind": {-10 * time.Second, 50 * time.Second},
		"one that was years behind":    {-10 * 365 * 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, err := whereby.NewBudget(1)
				if err != nil {
					t.Fatal(err)
				}
				began, since := time.Now(), time.Now().Add(tc.off)
				b.Resume(whereby.BudgetState{
					Expenses:     []whereby.Expense{{At: since, Endpoint: whereby.EndpointRooms, Points: 1}},
					BlockedUntil: since.Add(time.Minute), BlockedSince: since,
				})
				if err := b.Wait(t.Context(), whereby.Foreground); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(began); waited != tc.want {
					t.Errorf("it waits for %v, want %v", waited, tc.want)
				}
			})
		})
	}
}
