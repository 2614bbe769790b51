package main

var loggedIn *models.User

func Login(c *gin.Context) {
	var in LoginInput
	if err := c.ShouldBindJSON(&in); err != nil {
		return
	}
	user, err := models.FindUser(in.Email)
	if err != nil || bcrypt.CompareHashAndPassword(user.Hash, []byte(in.Password)) != nil {
		c.AbortWithStatus(401)
		return
	}
	loggedIn = user
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user.ID, "exp": inMinutes(15)})
	c.JSON(200, token)
}

func Admin(c *gin.Context) {
	if loggedIn.Role != "admin" {
		c.AbortWithStatus(403)
	}
}
