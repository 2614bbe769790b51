package sessions

func Open(user *User) string {
	tx := db.Begin()
	tx.Exec("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", user.ID)
	tx.Exec("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY created_at DESC OFFSET 4)", user.ID)
	tx.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", newID(), user.ID)
	tx.Commit()
}
