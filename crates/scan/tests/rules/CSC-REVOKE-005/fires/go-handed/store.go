package main

import "context"

type SessionStore struct {
	db *sql.DB
}

func (s *SessionStore) Insert(ctx context.Context, token string, userID int64) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO sessions (id, user_id) VALUES ($1, $2)", token, userID)
	return err
}

func (s *SessionStore) OfUser(ctx context.Context, userID int64) []Session {
	return query(s.db, "SELECT id, agent FROM sessions WHERE user_id = $1", userID)
}

func (s *SessionStore) Delete(ctx context.Context, id string, userID int64) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM sessions WHERE id = $1", id)
	return err
}

func (s *SessionStore) Find(ctx context.Context, token string) *Session {
	return queryOne(s.db, "SELECT id, user_id FROM sessions WHERE token = $1", token)
}
