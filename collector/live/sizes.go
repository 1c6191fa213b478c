package live

import (
	"cmp"
	"slices"
)

// sizes counts rooms by the number of people in them, in ascending order. It has only sizes
// that some room has, so it is short: a thousand people are in rooms of at most 44 sizes.
type sizes []roomSize

// roomSize is the number of rooms with a number of people.
type roomSize struct{ people, rooms int64 }

// move changes the number of people in a room.
func (s *sizes) move(before, now int64) {
	s.add(before, -1)
	s.add(now, 1)
}

func (s *sizes) add(people, rooms int64) {
	if people <= 0 {
		return
	}
	i, found := s.find(people)
	if !found {
		*s = slices.Insert(*s, i, roomSize{people: people})
	}
	if (*s)[i].rooms += rooms; (*s)[i].rooms == 0 {
		*s = slices.Delete(*s, i, i+1)
	}
}

func (s sizes) find(people int64) (i int, found bool) {
	return slices.BinarySearchFunc(s, people, func(of roomSize, people int64) int { return cmp.Compare(of.people, people) })
}

// largest returns the number of people in the fullest room.
func (s sizes) largest() int64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].people
}

// from returns the number of rooms with at least so many people.
func (s sizes) from(people int64) (rooms int64) {
	i, _ := s.find(people)
	for _, of := range s[i:] {
		rooms += of.rooms
	}
	return rooms
}

// fullPercent is the percentage of its capacity from which a room counts as full.
const fullPercent = 90

// fullFrom returns the number of people from which a room of a capacity counts as full.
func fullFrom(capacity int64) int64 { return (capacity*fullPercent + 99) / 100 }
