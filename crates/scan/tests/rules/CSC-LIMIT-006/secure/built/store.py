class Sessions:
    def open(self, user):
        with self.db.transaction():
            rows = self.db.query("SELECT id FROM sessions WHERE user_id = %s FOR UPDATE", user.id)
            if len(rows) >= 5:
                self.db.execute("DELETE FROM sessions WHERE id = %s", rows[0].id)
            return self.db.execute("INSERT INTO sessions (id, user_id) VALUES (%s, %s)", new_id(), user.id)
