# The cookie store seals what is in a session: there is no id that somebody could have planted.
class LoginController < ApplicationController
  def create
    user = User.authenticate_by(name: params[:name], password: params[:password])
    session[:u] = user.session_token
    redirect_to root_path
  end
end
