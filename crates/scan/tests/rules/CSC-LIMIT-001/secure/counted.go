package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	tx := s.db.Begin()
	tx.Exec("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", user.ID)
	var n int
	tx.QueryRow("SELECT count(*) FROM sessions WHERE user_id = $1", user.ID).Scan(&n)
	if n >= 5 {
		http.Error(w, "signed in too often", http.StatusConflict)
		return
	}
	id := newID()
	tx.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", id, user.ID)
	tx.Commit()
	setCookie(w, id)
}

func main() { http.HandleFunc("POST /login", server.login) }
