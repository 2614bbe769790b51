class SessionsController < ApplicationController
  def create
    user = User.authenticate_by(params.permit(:email, :password))
    start_new_session_for user
    redirect_to root_path
  end

  private
    def start_new_session_for(user)
      user.sessions.create!(user_agent: request.user_agent)
    end
end
